// Features of the Advanced Profile through the client of nexus; README.md tells what is printed.
// Retained events are not among them: it drops an EVENT that follows SUBSCRIBED at once.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gammazero/nexus/v3/client"
	"github.com/gammazero/nexus/v3/wamp"
)

// trial is a caller and a callee, who also publish and subscribe, and one that will be gone.
type trial struct {
	one, other, last *client.Client
	prefix           string
}

func (t trial) uri(name string) string { return t.prefix + "." + name }

func (t trial) events(session *client.Client, topic string, options wamp.Dict) chan *wamp.Event {
	came := make(chan *wamp.Event, 16)
	if err := session.SubscribeChan(topic, came, options); err != nil {
		panic(err)
	}
	return came
}

func next(came chan *wamp.Event) *wamp.Event {
	select {
	case event := <-came:
		return event
	case <-time.After(patience):
		panic(errors.New("no event came"))
	}
}

func (t trial) publish(session *client.Client, name string, value any, options wamp.Dict) {
	if options == nil {
		options = wamp.Dict{}
	}
	options["acknowledge"] = true
	if err := session.Publish(t.uri(name), options, wamp.List{value}, nil); err != nil {
		panic(err)
	}
}

func (t trial) register(
	session *client.Client, name string, fn client.InvocationHandler, options wamp.Dict,
) {
	if err := session.Register(t.uri(name), fn, options); err != nil {
		panic(err)
	}
}

func (t trial) call(uri string, options wamp.Dict, args ...any) *wamp.Result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := t.one.Call(ctx, uri, options, args, nil, nil)
	if err != nil {
		panic(err)
	}
	return result
}

func result(values ...any) client.InvokeResult { return client.InvokeResult{Args: values} }

func (t trial) counted(name string) any {
	parts := []any{}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	came := make(chan any, 16)
	progress := func(part *wamp.Result) { came <- part.Arguments[0] }
	last, err := t.one.Call(ctx, t.uri(name), nil, wamp.List{3}, nil, progress)
	if err != nil {
		panic(err)
	}
	for range 3 {
		parts = append(parts, <-came)
	}
	return []any{parts, last.Arguments[0]}
}

func (t trial) progress() any {
	t.register(t.other, "count", func(ctx context.Context, call *wamp.Invocation) client.InvokeResult {
		number, _ := wamp.AsInt64(call.Arguments[0])
		for value := int64(1); value <= number; value++ {
			if err := t.other.SendProgress(ctx, wamp.List{value}, nil); err != nil {
				return client.InvokeResult{Err: "features.error"}
			}
		}
		return result(number)
	}, nil)
	return t.counted("count")
}

func (t trial) progressOfWamplite() any { return t.counted("counted") }

func slow(ctx context.Context, _ *wamp.Invocation) client.InvokeResult {
	<-ctx.Done()
	return client.InvocationCanceled
}

func errorURI(err error) string {
	var refused client.RPCError
	if errors.As(err, &refused) {
		return string(refused.Err.Error)
	}
	return fmt.Sprint(err)
}

func (t trial) canceled() any {
	interrupted := make(chan bool, 1)
	t.register(t.other, "slow", func(ctx context.Context, _ *wamp.Invocation) client.InvokeResult {
		<-ctx.Done()
		interrupted <- true
		return client.InvocationCanceled
	}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := t.one.Call(ctx, t.uri("slow"), nil, nil, nil, nil)
	if err == nil {
		return "none"
	}
	<-interrupted
	return "interrupted"
}

func (t trial) timeout() any {
	t.register(t.other, "slower", slow, nil)
	options := wamp.Dict{"timeout": 200}
	_, err := t.one.Call(context.Background(), t.uri("slower"), options, nil, nil, nil)
	return errorURI(err)
}

func (t trial) prefixes() any {
	came := t.events(t.other, t.uri("temp"), wamp.Dict{"match": "prefix"})
	t.publish(t.one, "temp.kitchen", 21, nil)
	return next(came).Details["topic"]
}

func (t trial) wildcards() any {
	t.register(t.other, ".do", func(_ context.Context, call *wamp.Invocation) client.InvokeResult {
		return result(call.Details["procedure"])
	}, wamp.Dict{"match": "wildcard"})
	return t.call(t.uri("x.do"), nil).Arguments[0]
}

func (t trial) shared() any {
	for name, session := range map[string]*client.Client{"one": t.other, "two": t.one} {
		t.register(session, "shared", func(context.Context, *wamp.Invocation) client.InvokeResult {
			return result(name)
		}, wamp.Dict{"invoke": "roundrobin"})
	}
	told := map[any]int{}
	for range 4 {
		told[t.call(t.uri("shared"), nil).Arguments[0]]++
	}
	return []any{told["one"], told["two"]}
}

func (t trial) lists() any {
	all := []chan *wamp.Event{
		t.events(t.one, t.uri("l"), nil), t.events(t.other, t.uri("l"), nil),
	}
	ids := wamp.List{t.other.ID()}
	t.publish(t.last, "l", "no other", wamp.Dict{"exclude": ids})
	t.publish(t.last, "l", "the other", wamp.Dict{"eligible": ids})
	t.publish(t.last, "l", "nobody", wamp.Dict{"eligible": wamp.List{}})
	t.publish(t.last, "l", "all", nil)
	told := []any{}
	for _, came := range all {
		told = append(told, []any{next(came).Arguments[0], next(came).Arguments[0]})
	}
	return told
}

func (t trial) disclosed() any {
	t.register(t.other, "who", func(_ context.Context, call *wamp.Invocation) client.InvokeResult {
		return result(call.Details["caller"])
	}, nil)
	mine := int64(t.one.ID())
	caller, _ := wamp.AsInt64(t.call(t.uri("who"), wamp.Dict{"disclose_me": true}).Arguments[0])
	came := t.events(t.other, t.uri("who"), nil)
	t.publish(t.one, "who", 1, wamp.Dict{"disclose_me": true})
	publisher, _ := wamp.AsInt64(next(came).Details["publisher"])
	return []any{caller == mine, publisher == mine}
}

func (t trial) meta() any {
	created := t.events(t.one, "wamp.registration.on_create", nil)
	t.register(t.other, "meta", slow, nil)
	told, _ := wamp.AsDict(next(created).Arguments[1])
	number := t.call("wamp.registration.lookup", nil, told["uri"]).Arguments[0]
	callees := t.call("wamp.registration.count_callees", nil, number).Arguments[0]
	ids, _ := wamp.AsList(t.call("wamp.session.list", nil).Arguments[0])
	here := false
	for _, id := range ids {
		number, _ := wamp.AsInt64(id)
		here = here || number == int64(t.other.ID())
	}
	return []any{told["uri"], callees, here}
}

func (t trial) history() any {
	t.publish(t.one, "past", 1, nil)
	t.publish(t.one, "past", 2, nil)
	t.events(t.one, t.uri("past"), nil)
	number, _ := t.one.SubscriptionID(t.uri("past"))
	values := []any{}
	for _, found := range t.call("wamp.subscription.get_events", nil, number).Arguments {
		event, _ := wamp.AsDict(found)
		args, _ := wamp.AsList(event["args"])
		values = append(values, args[0])
	}
	return values
}

func (t trial) testament() any {
	came := t.events(t.one, t.uri("will"), nil)
	args := wamp.List{t.uri("will"), wamp.List{"gone"}, wamp.Dict{}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := t.last.Call(ctx, "wamp.session.add_testament", nil, args, nil, nil); err != nil {
		panic(err)
	}
	if err := t.last.Close(); err != nil {
		panic(err)
	}
	return next(came).Arguments[0]
}

func features(realm, prefix, url string) error {
	where := place{realm, prefix, "json", url}
	sessions := [3]*client.Client{}
	for number := range sessions {
		session, err := where.join()
		if err != nil {
			return err
		}
		sessions[number] = session
	}
	t := trial{sessions[0], sessions[1], sessions[2], prefix}
	checks := []struct {
		name string
		run  func() any
	}{
		{"progress", t.progress}, {"progress_of_wamplite", t.progressOfWamplite},
		{"canceled", t.canceled}, {"timeout", t.timeout}, {"prefixes", t.prefixes},
		{"wildcards", t.wildcards}, {"shared", t.shared}, {"lists", t.lists},
		{"disclosed", t.disclosed}, {"meta", t.meta},
		{"history", t.history}, {"testament", t.testament},
	}
	for _, check := range checks {
		line, err := json.Marshal(object{check.name: check.run()})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}
