package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"log"
	"os"
	"time"

	"github.com/gammazero/nexus/v3/client"
	"github.com/gammazero/nexus/v3/router"
	"github.com/gammazero/nexus/v3/router/auth"
	"github.com/gammazero/nexus/v3/wamp"
	"github.com/gammazero/nexus/v3/wamp/crsign"
)

// login joins by METHOD AUTHID SECRET REALM URL and tells who it is, or why not.
func login(method, authid, secret, realm, url string) object {
	details := wamp.Dict{"authid": authid}
	answer := map[string]client.AuthFunc{
		"ticket": func(*wamp.Challenge) (string, wamp.Dict) { return secret, wamp.Dict{} },
		"wampcra": func(asked *wamp.Challenge) (string, wamp.Dict) {
			return crsign.RespondChallenge(secret, asked, nil), wamp.Dict{}
		},
	}[method]
	if method == "cryptosign" {
		seed, err := hex.DecodeString(secret)
		if err != nil {
			log.Fatal(err)
		}
		key := ed25519.NewKeyFromSeed(seed)
		public := hex.EncodeToString(key.Public().(ed25519.PublicKey))
		details["authextra"] = wamp.Dict{"pubkey": public}
		answer = func(asked *wamp.Challenge) (string, wamp.Dict) {
			text, _ := wamp.AsString(asked.Extra["challenge"])
			challenge, _ := hex.DecodeString(text)
			return hex.EncodeToString(ed25519.Sign(key, challenge)) + text, wamp.Dict{}
		}
	}
	session, err := client.ConnectNet(context.Background(), url, client.Config{
		Realm:           realm,
		HelloDetails:    details,
		AuthHandlers:    map[string]client.AuthFunc{method: answer},
		ResponseTimeout: patience,
		Logger:          log.New(os.Stderr, "nexus ", 0),
	})
	if err != nil {
		return object{"refused": err.Error()}
	}
	told := session.RealmDetails()
	return object{
		"authid": told["authid"], "authrole": told["authrole"], "authmethod": told["authmethod"],
	}
}

// users is what the router of guard knows of its users.
type users struct{}

func (users) AuthKey(authid, method string) ([]byte, error) {
	keys := map[string]string{
		"joe wampcra": "kQjmN43OnKui4LgoWayDmOtXz3ormJk/XpUx6+QDwOk=", "old wampcra": "s3cret",
		"joe ticket": "s3cret",
	}
	if key, known := keys[authid+" "+method]; known {
		return []byte(key), nil
	}
	if method == "cryptosign" && authid == "key" {
		return hex.DecodeString("1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d")
	}
	return nil, errors.New("no such user")
}

func (users) PasswordInfo(authid string) (string, int, int) {
	if authid == "joe" {
		return "salt123", 32, 1000
	}
	return "", 0, 0
}

func (users) AuthRole(string) (string, error) { return "sensor", nil }
func (users) Provider() string                { return "static" }

// guard is a router on a port of WebSocket that lets in its users alone.
func guard(port string) error {
	config := &router.Config{RealmConfigs: []*router.RealmConfig{{
		URI: "realm1",
		Authenticators: []auth.Authenticator{
			auth.NewTicketAuthenticator(users{}, time.Minute),
			auth.NewCRAuthenticator(users{}, time.Minute),
			auth.NewCryptoSignAuthenticator(users{}, time.Minute),
		},
	}}}
	made, err := router.NewRouter(config, log.New(os.Stderr, "nexus ", 0))
	if err != nil {
		return err
	}
	if _, err = router.NewWebsocketServer(made).ListenAndServe("127.0.0.1:" + port); err != nil {
		return err
	}
	select {}
}
