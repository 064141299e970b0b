// A program that does what each datum says (src/testing/remote-suite.ts), written from docs/protocol.md alone.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"time"
)

type order struct {
	Do      string `json:"do"`
	N       int    `json:"n"`
	Count   int    `json:"count"`
	Message string `json:"message"`
	On      string `json:"on"`
}

type datum struct {
	N       int             `json:"n"`
	Data    order           `json:"data"`
	Attempt int             `json:"attempt"`
	Window  json.RawMessage `json:"window,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
}

type message struct {
	Type string  `json:"type"`
	Data []datum `json:"data"`
}

type echo struct {
	N       int             `json:"n"`
	Attempt int             `json:"attempt,omitempty"`
	Window  json.RawMessage `json:"window,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
}

type failure struct {
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	BlockedOn string `json:"blocked_on,omitempty"`
}

type result struct {
	N       int      `json:"n"`
	Outputs []echo   `json:"outputs"`
	Error   *failure `json:"error,omitempty"`
}

func main() {
	if url := os.Getenv("MILLRACE_URL"); url != "" {
		attach(url+"/v1/agents/"+os.Getenv("MILLRACE_AGENT"), os.Getenv("MILLRACE_AGENT_KEY"))
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var said message
		if json.Unmarshal(line, &said) != nil {
			os.Exit(1)
		}
		switch said.Type {
		case "hello":
			_ = out.Encode(map[string]any{"type": "hello", "protocol": 1, "name": "orders in Go"})
		case "ping":
			_ = out.Encode(map[string]any{"type": "pong"})
		case "drain":
			return
		case "batch":
			results := make([]result, 0, len(said.Data))
			for _, one := range said.Data {
				results = append(results, follow(one))
			}
			_ = out.Encode(map[string]any{"type": "results", "results": results})
		}
	}
}

func follow(one datum) result {
	switch one.Data.Do {
	case "echo":
		return result{N: one.N, Outputs: []echo{{N: one.Data.N, Attempt: one.Attempt, Window: one.Window, State: one.State}}}
	case "many":
		outputs := make([]echo, one.Data.Count)
		for i := range outputs {
			outputs[i].N = i
		}
		return result{N: one.N, Outputs: outputs}
	case "fail":
		return result{N: one.N, Error: &failure{Message: one.Data.Message, Retryable: true}}
	case "final":
		return result{N: one.N, Error: &failure{Message: one.Data.Message}}
	case "block":
		return result{N: one.N, Error: &failure{BlockedOn: one.Data.On}}
	case "die":
		os.Exit(7)
	case "hang":
		time.Sleep(time.Hour)
	}
	return result{N: one.N}
}
