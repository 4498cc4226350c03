package store

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Holder is who has a hold: what its file says. It is shown to people, and in a lease it decides whether the holder is alive.
type Holder struct {
	PID    int       `json:"pid"`
	Host   string    `json:"host"`
	Who    string    `json:"who"`              // what the process does, in its own words
	Same   string    `json:"same,omitempty"`   // what work this is: holders with equal work may wait for each other
	Target string    `json:"target,omitempty"` // of a build
	Since  time.Time `json:"since"`
	Start  string    `json:"start"` // of the process, in the system's own count
	Place  string    `json:"place"` // where PID means something
}

// self is this process.
var self = sync.OnceValue(func() Holder {
	host, _ := os.Hostname()
	start, _ := processStart(os.Getpid())
	return Holder{PID: os.Getpid(), Host: host, Start: start, Place: place()}
})

func me(who string) Holder {
	h := self()
	h.Who, h.Since = who, time.Now().UTC().Truncate(time.Second)
	return h
}

// String names the holder: process 4711 on anvil since 14:03 (build of fashion.yaml).
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	text := fmt.Sprintf("process %d on %s since %s", h.PID, printable(h.Host, 60), h.Since.Local().Format("2006-01-02 15:04:05"))
	if h.Who != "" {
		text += " (" + printable(h.Who, 200) + ")"
	}
	return text
}

// dead tells whether the holder is known to have ended. Of another machine or container nothing is known.
func (h Holder) dead() bool {
	if h.PID <= 0 || h.Place != self().Place || h.Host != self().Host {
		return false
	}
	return processGone(h.PID, h.Start)
}

func (h Holder) text() []byte {
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings, a number and a time of this century
	}
	return append(text, '\n')
}

// readHolder reads what a hold's file says; nothing if it cannot be read.
func readHolder(f io.Reader) (h Holder) {
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// Held is the error for something that another process works on.
type Held struct {
	What   string // an action, a folder
	Holder Holder
	Hint   string // what would do; may be empty
}

func (h *Held) Error() string {
	text := fmt.Sprintf("%s is being made by %s", h.What, h.Holder)
	if h.Hint != "" {
		text += "; " + h.Hint
	}
	return text
}
