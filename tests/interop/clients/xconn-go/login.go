package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/xconnio/xconn-go"
)

// login joins by METHOD AUTHID SECRET REALM URL and tells who it is, or why not.
func login(method, authid, secret, realm, url string) {
	connect := map[string]func(context.Context, string, string, string, string) (*xconn.Session, error){
		"ticket":     xconn.ConnectTicket,
		"wampcra":    xconn.ConnectCRA,
		"cryptosign": xconn.ConnectCryptosign,
	}[method]
	session, err := connect(context.Background(), url, realm, authid, secret)
	told := options{}
	if err != nil {
		told["refused"] = err.Error()
	} else {
		answer := session.Call("wamp.session.get").Arg(session.ID()).Do()
		must(answer.Err)
		found := answer.Args()[0].(options)
		for _, key := range []string{"authid", "authrole", "authmethod"} {
			told[key] = found[key]
		}
	}
	line, err := json.Marshal(told)
	must(err)
	fmt.Println(string(line))
}
