// The program that streamsum was measured against first: net/http, whose handler copies
// the content into an MD5, and into a file if there is a folder for it.
//
// go-server ADDRESS [FOLDER]
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

func main() {
	handler := http.HandlerFunc(checksum)
	if len(os.Args) > 2 {
		handler = keep(os.Args[2])
	}
	log.Fatal(http.ListenAndServe(os.Args[1], handler))
}
