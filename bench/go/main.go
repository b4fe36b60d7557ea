// The program that streamsum was measured against first: net/http, whose handler copies
// the content into an MD5.
//
// go-server ADDRESS
package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func checksum(w http.ResponseWriter, r *http.Request) {
	digest := md5.New()
	if _, err := io.Copy(digest, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%x", digest.Sum(nil))
}

func main() {
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(checksum)))
}
