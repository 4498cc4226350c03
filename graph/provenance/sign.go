package provenance

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
)

// PayloadType of the envelope.
const PayloadType = "application/vnd.in-toto+json"

// envelope is a DSSE envelope (https://github.com/secure-systems-lab/dsse).
type envelope struct {
	Payload     string      `json:"payload"` // base64
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // base64
}

// Sign returns the envelope that holds a statement and its signature. The same key gives the same bytes.
func Sign(statement []byte, key ed25519.PrivateKey) ([]byte, error) {
	return encode(envelope{
		Payload: base64.StdEncoding.EncodeToString(statement), PayloadType: PayloadType,
		Signatures: []signature{{KeyID(key.Public().(ed25519.PublicKey)), base64.StdEncoding.EncodeToString(ed25519.Sign(key, authenticated(statement)))}},
	})
}

// authenticated is what is signed: DSSE's pre-authentication encoding.
func authenticated(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(PayloadType), PayloadType, len(payload), payload)
}

// Payload returns the statement in an envelope, whoever signed it.
func Payload(text []byte) (statement []byte, err error) {
	_, statement, err = unwrap(text)
	return statement, err
}

func unwrap(text []byte) (e envelope, statement []byte, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, nil, fmt.Errorf("it is no signed statement: %w", err)
	}
	if e.PayloadType != PayloadType {
		return e, nil, fmt.Errorf("it holds %q, not %s", e.PayloadType, PayloadType)
	}
	if statement, err = base64.StdEncoding.DecodeString(e.Payload); err != nil {
		return e, nil, fmt.Errorf("it is no signed statement: %w", err)
	}
	return e, statement, nil
}

// Open returns the statement in an envelope if the key has signed it.
func Open(text []byte, key ed25519.PublicKey) (statement []byte, err error) {
	e, statement, err := unwrap(text)
	if err != nil {
		return nil, err
	}
	others := "nobody"
	for _, s := range e.Signatures {
		sig, err := base64.StdEncoding.DecodeString(s.Sig)
		if err == nil && ed25519.Verify(key, authenticated(statement), sig) {
			return statement, nil
		}
		others = "the key " + short(s.KeyID)
		if s.KeyID == KeyID(key) {
			return nil, errors.New("the signature of this key does not fit what is signed")
		}
	}
	return nil, fmt.Errorf("it is signed by %s, not by the key %s", others, short(KeyID(key)))
}

func short(id string) string {
	if len(id) <= 16 {
		return fmt.Sprintf("%q", id)
	}
	return fmt.Sprintf("%.16s…", id)
}

// KeyID names a public key: the SHA-256 of its DER form, in hexadecimal.
func KeyID(key ed25519.PublicKey) string {
	return fmt.Sprintf("%x", sha256.Sum256(append(bytes.Clone(publicDER), key...)))
}

// What stands before the 32 bytes of an ed25519 key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). There is one way
// to write such a key, so no reader of ASN.1 is needed.
var (
	privateDER = []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}
	publicDER  = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}
)

// PrivateKey reads an ed25519 key from PEM, as openssl genpkey writes it.
func PrivateKey(text []byte) (ed25519.PrivateKey, error) {
	seed, err := keyIn(text, "PRIVATE KEY", privateDER, "openssl genpkey -algorithm ed25519 makes one")
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// PublicKey reads an ed25519 public key from PEM, as openssl pkey -pubout writes it.
func PublicKey(text []byte) (ed25519.PublicKey, error) {
	key, err := keyIn(text, "PUBLIC KEY", publicDER, "openssl pkey -in KEY -pubout gives it")
	return ed25519.PublicKey(key), err
}

func keyIn(text []byte, kind string, head []byte, advice string) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("it holds no key in PEM form; %s", advice)
	}
	if block.Type != kind {
		return nil, fmt.Errorf("it holds a %.40q, not a %s; %s", block.Type, kind, advice)
	}
	key, ok := bytes.CutPrefix(block.Bytes, head)
	if !ok || len(key) != 32 {
		return nil, fmt.Errorf("it holds a key of another kind than ed25519; %s", advice)
	}
	return key, nil
}
