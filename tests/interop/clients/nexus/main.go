// The sessions that README.md tells of, through the client of nexus.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/gammazero/nexus/v3/client"
	"github.com/gammazero/nexus/v3/transport/serialize"
	"github.com/gammazero/nexus/v3/wamp"
)

const patience = 20 * time.Second

var serializers = map[string]serialize.Serialization{
	"json":    client.JSON,
	"msgpack": client.MSGPACK,
	"cbor":    client.CBOR,
}

type payload struct {
	Args   wamp.List `json:"args"`
	Kwargs wamp.Dict `json:"kwargs"`
}

// arrival is a payload as it came, with the URI if it came in an ERROR.
type arrival struct {
	URI    string    `json:"uri,omitempty"`
	Args   wamp.List `json:"args"`
	Kwargs wamp.Dict `json:"kwargs"`
}

type object = map[string]any

// place is where and as what to join: the realm and one triple of the command line.
type place struct {
	realm, prefix, serializer, url string
}

func (p place) join() (*client.Client, error) {
	return client.ConnectNet(
		context.Background(),
		strings.Replace(p.url, "rs://", "tcp://", 1),
		client.Config{
			Realm:           p.realm,
			Serialization:   serializers[p.serializer],
			ResponseTimeout: patience,
			Logger:          log.New(os.Stderr, "nexus ", 0),
		},
	)
}

type callee struct {
	session *client.Client
	prefix  string
	events  chan arrival
}

func newCallee(where place) (*callee, error) {
	session, err := where.join()
	if err != nil {
		return nil, err
	}
	c := &callee{session, where.prefix, make(chan arrival, 16)}
	return c, errors.Join(
		session.Register(c.prefix+".echo", echo, nil),
		session.Register(c.prefix+".fail", c.fail, nil),
		session.Subscribe(c.prefix+".topic", func(event *wamp.Event) {
			c.events <- arrival{Args: event.Arguments, Kwargs: event.ArgumentsKw}
		}, nil),
	)
}

func echo(_ context.Context, invocation *wamp.Invocation) client.InvokeResult {
	return client.InvokeResult{Args: invocation.Arguments, Kwargs: invocation.ArgumentsKw}
}

func (c *callee) fail(_ context.Context, _ *wamp.Invocation) client.InvokeResult {
	return client.InvokeResult{
		Err:    wamp.URI(c.prefix + ".error"),
		Args:   wamp.List{42},
		Kwargs: wamp.Dict{"why": "because"},
	}
}

func (c *callee) finish() (object, error) {
	var events []arrival
	select {
	case event := <-c.events:
		events = append(events, event)
	case <-time.After(patience):
		return nil, errors.New("no event came")
	}
	err := errors.Join(
		c.session.Unsubscribe(c.prefix+".topic"),
		c.session.Unregister(c.prefix+".echo"),
		c.session.Unregister(c.prefix+".fail"),
		c.session.Close(),
	)
	for len(c.events) > 0 {
		events = append(events, <-c.events)
	}
	return object{"events": events}, err
}

func errorOf(session *client.Client, uri string) (arrival, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := session.Call(ctx, uri, nil, wamp.List{1}, nil, nil)
	var refused client.RPCError
	if !errors.As(err, &refused) {
		return arrival{}, fmt.Errorf("%s was expected to fail, but: %v", uri, err)
	}
	told := refused.Err
	return arrival{string(told.Error), told.Arguments, told.ArgumentsKw}, nil
}

func use(session *client.Client, prefix string, p payload) (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := session.Call(ctx, prefix+".echo", nil, p.Args, p.Kwargs, nil)
	if err != nil {
		return nil, err
	}
	failure, err := errorOf(session, prefix+".fail")
	if err != nil {
		return nil, err
	}
	missing, err := errorOf(session, prefix+".nobody")
	if err != nil {
		return nil, err
	}
	// Publish returns after PUBLISHED
	err = session.Publish(prefix+".topic", wamp.Dict{"acknowledge": true}, p.Args, p.Kwargs)
	return object{
		"result":    arrival{Args: result.Arguments, Kwargs: result.ArgumentsKw},
		"error":     failure,
		"missing":   missing.URI,
		"published": err == nil,
	}, err
}

func both(where place, p payload) (object, error) {
	server, err := newCallee(where)
	if err != nil {
		return nil, err
	}
	session, err := where.join()
	if err != nil {
		return nil, err
	}
	seen, err := use(session, where.prefix, p)
	if err != nil {
		return nil, err
	}
	events, err := server.finish()
	if err != nil {
		return nil, err
	}
	gone, err := errorOf(session, where.prefix+".echo")
	seen["gone"] = gone.URI
	return object{"callee": events, "caller": seen}, errors.Join(err, session.Close())
}

func serve(where place, _ payload) (object, error) {
	server, err := newCallee(where)
	if err != nil {
		return nil, err
	}
	fmt.Println(`{"ready": true}`)
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return nil, err
	}
	events, err := server.finish()
	return object{"callee": events}, err
}

func caller(where place, p payload) (object, error) {
	session, err := where.join()
	if err != nil {
		return nil, err
	}
	seen, err := use(session, where.prefix, p)
	return object{"caller": seen}, errors.Join(err, session.Close())
}

func main() {
	plays := map[string]func(place, payload) (object, error){
		"both": both, "serve": serve, "use": caller,
	}
	if os.Args[1] == "features" {
		if err := features(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if os.Args[1] == "guard" {
		log.Fatal(guard(os.Args[2]))
	}
	if os.Args[1] == "login" {
		words := os.Args[2:]
		line, err := json.Marshal(login(words[0], words[1], words[2], words[3], words[4]))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
		return
	}
	mode, realm, rest := os.Args[1], os.Args[2], os.Args[4:]
	var p payload
	if err := json.Unmarshal([]byte(os.Args[3]), &p); err != nil {
		log.Fatal(err)
	}
	status := 0
	for ; len(rest) >= 3; rest = rest[3:] {
		seen, err := plays[mode](place{realm, rest[0], rest[1], rest[2]}, p)
		if err != nil {
			status, seen = 1, object{"failed": err.Error()}
		}
		line, err := json.Marshal(seen)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
	os.Exit(status)
}
