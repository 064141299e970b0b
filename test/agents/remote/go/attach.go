package main

import (
	"bytes"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type claim struct {
	Claim     string  `json:"claim"`
	TimeoutMs int     `json:"timeout_ms"`
	Data      []datum `json:"data"`
}

// Takes work over HTTP, as docs/protocol.md says, and never returns.
func attach(agent string, key string) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		os.Exit(0)
	}()
	for {
		var given claim
		if post(agent+"/claim", key, map[string]int{"most": 100, "wait_ms": 10000}, &given) != http.StatusOK {
			continue
		}
		// What hangs is of no use any more: it ends, and whoever runs it starts it again.
		stuck := time.AfterFunc(time.Duration(given.TimeoutMs+200)*time.Millisecond, func() { os.Exit(70) })
		results := make([]result, 0, len(given.Data))
		for _, one := range given.Data {
			results = append(results, follow(one))
		}
		stuck.Stop()
		var left struct{}
		post(agent+"/commit", key, map[string]any{"claim": given.Claim, "results": results}, &left)
	}
}

// Gives the status of the answer, 0 where there is none.
func post(url string, key string, body any, into any) int {
	encoded, err := json.Marshal(body)
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(encoded))
	if err != nil {
		log.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Print(err)
		time.Sleep(50 * time.Millisecond)
		return 0
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			log.Print(err)
			return 0
		}
	} else if response.StatusCode != http.StatusNoContent {
		log.Printf("%s: %s", url, response.Status)
		time.Sleep(50 * time.Millisecond)
	}
	return response.StatusCode
}
