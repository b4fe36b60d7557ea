// The program that streamsum was measured against first: net/http, whose handler copies
// the content into an MD5, and into a file if there is a folder for it, or on to an origin.
//
// go-server ADDRESS [FOLDER|ORIGIN]
package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func checksum(w http.ResponseWriter, r *http.Request) {
	digest := md5.New()
	if _, err := io.Copy(digest, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%x", digest.Sum(nil))
}

func keep(folder string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		digest, err := save(folder, path.Base(r.URL.Path), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%x", digest)
	}
}

// The file has no one's name until it is whole and synced.
func save(folder, name string, content io.Reader) ([]byte, error) {
	file, err := os.CreateTemp(folder, ".unfinished-*")
	if err != nil {
		return nil, err
	}
	// Once it has its name there is nothing to remove.
	defer os.Remove(file.Name())
	defer file.Close()
	digest := md5.New()
	if _, err := io.Copy(file, io.TeeReader(content, digest)); err != nil {
		return nil, err
	}
	if err := file.Sync(); err != nil {
		return nil, err
	}
	return digest.Sum(nil), os.Rename(file.Name(), filepath.Join(folder, name))
}

func passOn(origin string) http.HandlerFunc {
	// By default it has two connections that are not at work, and so would open most anew.
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	return func(w http.ResponseWriter, r *http.Request) {
		digest := md5.New()
		content := io.TeeReader(r.Body, digest)
		request, err := http.NewRequestWithContext(r.Context(), http.MethodPut, origin+r.URL.Path, content)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		request.ContentLength = r.ContentLength
		answer, err := transport.RoundTrip(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			http.Error(w, answer.Status, http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "%x", digest.Sum(nil))
	}
}

func main() {
	handler := http.HandlerFunc(checksum)
	if len(os.Args) > 2 {
		if strings.HasPrefix(os.Args[2], "http://") {
			handler = passOn(os.Args[2])
		} else {
			handler = keep(os.Args[2])
		}
	}
	log.Fatal(http.ListenAndServe(os.Args[1], handler))
}
