package lsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Codes of errors, of JSON-RPC and of the protocol.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeNotInitialized = -32002
)

// request is a message of the client. Without an ID it is a notification, which is never answered.
type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"` // with Error: of an answer to a request of the server
	Error   json.RawMessage `json:"error"`
}

func (r *request) isNotification() bool { return r.ID == nil }

// rpcError is the error of an answer.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

func failf(code int, format string, args ...any) *rpcError {
	return &rpcError{code, fmt.Sprintf(format, args...)}
}

var null = json.RawMessage("null")

// parseRequest reads a message. If it is none, the error says so and the request has the ID to answer it with.
func parseRequest(body []byte) (*request, *rpcError) {
	none := &request{ID: null}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' && json.Valid(body) {
		return none, failf(codeInvalidRequest, "the protocol has no batches of messages")
	}
	r := new(request)
	if err := json.Unmarshal(body, r); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return none, failf(codeInvalidRequest, "the message is no request: %s", inWords(err))
		}
		return none, failf(codeParse, "the message is no JSON: %v", err)
	}
	if r.ID != nil && !isID(r.ID) {
		return none, failf(codeInvalidRequest, "an id is a number or a string")
	}
	switch {
	case r.Version != "2.0":
		return r.answerable(), failf(codeInvalidRequest, "the message is not of jsonrpc 2.0")
	case r.Method == nil && (r.Result == nil && r.Error == nil || r.ID == nil):
		return r.answerable(), failf(codeInvalidRequest, "the message has no method")
	}
	return r, nil
}

func (r *request) answerable() *request {
	if r.ID == nil {
		r.ID = null
	}
	return r
}

// isID tells whether an id is a number or a string, as it must be.
func isID(id json.RawMessage) bool {
	return len(id) > 0 && (id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9')
}

// params decodes the parameters of a request.
func params[T any](raw json.RawMessage) (*T, *rpcError) {
	p := new(T)
	if len(raw) == 0 || raw[0] != '{' {
		return nil, failf(codeInvalidParams, "params must be an object")
	}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, failf(codeInvalidParams, "params: %s", inWords(err))
	}
	return p, nil
}

// inWords says what is wrong with a message without the names of Go.
func inWords(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s cannot be %s", wrong.Field, article(wrong.Value))
	case errors.As(err, &wrong):
		return "it is " + article(wrong.Value) + ", not an object"
	}
	return err.Error()
}

func article(word string) string {
	if word != "" && strings.IndexByte("aeiou", word[0]) >= 0 {
		return "an " + word
	}
	return "a " + word
}

// send writes one message of the server. What cannot be written cannot be told either: the client is gone, and reading
// from it will end.
func (s *server) send(message any) {
	body, err := encode(message)
	if err != nil {
		s.log.Printf("a message cannot be encoded: %v", err)
		return
	}
	if err := writeFrame(s.out, body); err != nil {
		s.log.Printf("cannot write: %v", err)
	}
}

// encode is json.Marshal, with < and > left as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// answer answers a request, with a result or an error.
func (s *server) answer(id json.RawMessage, result any, failed *rpcError) {
	if failed != nil {
		s.send(struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Error   *rpcError       `json:"error"`
		}{"2.0", id, failed})
		return
	}
	s.send(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{"2.0", id, result})
}

// notify sends a notification.
func (s *server) notify(method string, params any) {
	s.send(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", method, params})
}
