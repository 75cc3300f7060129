// Features of the Advanced Profile through the client of xconn-go; README.md tells what is printed.
// It cannot cancel a call, nor does it tell a subscription's id, and it drops an EVENT that follows
// SUBSCRIBED at once, as a retained one does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/xconnio/xconn-go"
)

const patience = 20 * time.Second

type options = map[string]any

// trial is a caller and a callee, who also publish and subscribe, and one that will be gone.
type trial struct {
	one, other, last *xconn.Session
	prefix           string
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (t trial) uri(name string) string { return t.prefix + "." + name }

func (t trial) events(session *xconn.Session, topic string, asked options) chan *xconn.Event {
	came := make(chan *xconn.Event, 16)
	must(session.Subscribe(topic, func(event *xconn.Event) { came <- event }).Options(asked).Do().Err)
	return came
}

func next(came chan *xconn.Event) *xconn.Event {
	select {
	case event := <-came:
		return event
	case <-time.After(patience):
		panic(errors.New("no event came"))
	}
}

func (t trial) publish(session *xconn.Session, name string, value any, asked options) {
	must(session.Publish(t.uri(name)).Arg(value).Options(asked).Acknowledge(true).Do().Err)
}

type handler func(call *xconn.Invocation) any

func (t trial) register(session *xconn.Session, name string, fn handler, asked options) {
	invoked := func(_ context.Context, call *xconn.Invocation) *xconn.InvocationResult {
		return xconn.NewInvocationResult(fn(call))
	}
	must(session.Register(t.uri(name), invoked).Options(asked).Do().Err)
}

func (t trial) call(session *xconn.Session, uri string, asked options, args ...any) []any {
	response := session.Call(uri).Args(args...).Options(asked).Do()
	must(response.Err)
	return response.Args()
}

func (t trial) counted(name string) any {
	parts := []any{}
	part := func(result *xconn.ProgressResult) { parts = append(parts, result.Args()[0]) }
	response := t.one.Call(t.uri(name)).Arg(3).ProgressReceiver(part).Do()
	must(response.Err)
	return []any{parts, response.Args()[0]}
}

func (t trial) progress() any {
	t.register(t.other, "count", func(call *xconn.Invocation) any {
		for value := 1; value <= 3; value++ {
			if call.SendProgress != nil {
				must(call.SendProgress([]any{value}, nil))
			}
		}
		return call.Args()[0]
	}, nil)
	return t.counted("count")
}

func (t trial) progressOfWamplite() any { return t.counted("counted") }

func (t trial) timeout() any {
	t.register(t.other, "slower", func(*xconn.Invocation) any {
		time.Sleep(time.Second)
		return nil
	}, nil)
	err := t.one.Call(t.uri("slower")).Option("timeout", 200).Do().Err
	var refused *xconn.Error
	if errors.As(err, &refused) {
		return refused.URI
	}
	return fmt.Sprint(err)
}

func (t trial) prefixes() any {
	came := t.events(t.other, t.uri("temp"), options{"match": "prefix"})
	t.publish(t.one, "temp.kitchen", 21, nil)
	return next(came).Details()["topic"]
}

func (t trial) wildcards() any {
	t.register(t.other, ".do", func(call *xconn.Invocation) any {
		return call.Details()["procedure"]
	}, options{"match": "wildcard"})
	return t.call(t.one, t.uri("x.do"), nil)[0]
}

func (t trial) shared() any {
	asked := options{"invoke": "roundrobin"}
	t.register(t.other, "shared", func(*xconn.Invocation) any { return "one" }, asked)
	t.register(t.one, "shared", func(*xconn.Invocation) any { return "two" }, asked)
	told := []any{}
	for range 4 {
		told = append(told, t.call(t.one, t.uri("shared"), nil)[0])
	}
	return told
}

func (t trial) lists() any {
	all := []chan *xconn.Event{
		t.events(t.one, t.uri("l"), nil), t.events(t.other, t.uri("l"), nil),
	}
	ids := []any{t.other.ID()}
	t.publish(t.last, "l", "no other", options{"exclude": ids})
	t.publish(t.last, "l", "the other", options{"eligible": ids})
	t.publish(t.last, "l", "nobody", options{"eligible": []any{}})
	t.publish(t.last, "l", "all", nil)
	told := []any{}
	for _, came := range all {
		told = append(told, []any{next(came).Args()[0], next(came).Args()[0]})
	}
	return told
}

func (t trial) disclosed() any {
	t.register(t.other, "who", func(call *xconn.Invocation) any {
		return call.Details()["caller"]
	}, nil)
	asked := options{"disclose_me": true}
	caller := t.call(t.one, t.uri("who"), asked)[0]
	came := t.events(t.other, t.uri("who"), nil)
	t.publish(t.one, "who", 1, options{"disclose_me": true})
	mine := fmt.Sprint(t.one.ID())
	publisher := next(came).Details()["publisher"]
	return []any{fmt.Sprint(caller) == mine, fmt.Sprint(publisher) == mine}
}

func (t trial) meta() any {
	created := t.events(t.one, "wamp.registration.on_create", nil)
	t.register(t.other, "meta", func(*xconn.Invocation) any { return nil }, nil)
	details, _ := next(created).Args()[1].(map[string]any)
	number := t.call(t.one, "wamp.registration.lookup", nil, details["uri"])[0]
	callees := t.call(t.one, "wamp.registration.count_callees", nil, number)[0]
	ids, _ := t.call(t.one, "wamp.session.list", nil)[0].([]any)
	here := false
	for _, id := range ids {
		here = here || fmt.Sprint(id) == fmt.Sprint(t.other.ID())
	}
	return []any{details["uri"], callees, here}
}

func (t trial) testament() any {
	came := t.events(t.one, t.uri("will"), nil)
	will := []any{"gone"}
	t.call(t.last, "wamp.session.add_testament", nil, t.uri("will"), will, map[string]any{})
	must(t.last.Leave())
	return next(came).Args()[0]
}

func main() {
	log.SetOutput(os.Stderr)
	if os.Args[1] == "login" {
		words := os.Args[2:]
		login(words[0], words[1], words[2], words[3], words[4])
		return
	}
	realm, prefix, url := os.Args[1], os.Args[2], os.Args[3]
	sessions := [3]*xconn.Session{}
	for number := range sessions {
		session, err := xconn.ConnectAnonymous(context.Background(), url, realm)
		must(err)
		sessions[number] = session
	}
	t := trial{sessions[0], sessions[1], sessions[2], prefix}
	checks := []struct {
		name string
		run  func() any
	}{
		{"progress", t.progress}, {"progress_of_wamplite", t.progressOfWamplite},
		{"prefixes", t.prefixes}, {"wildcards", t.wildcards},
		{"shared", t.shared}, {"lists", t.lists}, {"disclosed", t.disclosed},
		{"meta", t.meta}, {"testament", t.testament},
		{"timeout", t.timeout}, // its callee announces call_canceling, and ends at INTERRUPT
	}
	for _, check := range checks {
		line, err := json.Marshal(map[string]any{check.name: check.run()})
		must(err)
		fmt.Println(string(line))
	}
}
