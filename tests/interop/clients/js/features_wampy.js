// wampy.js uses features of the Advanced Profile.
"use strict";

const { Wampy } = require("wampy");
const { WebSocket } = require("ws");
const { run, sleep } = require("./features.js");

class Adapter {
  async join(url, realm) {
    this.session = new Wampy(url, { realm, ws: WebSocket, autoReconnect: false });
    await this.session.connect();
    this.id = this.session.getSessionId();
  }

  register(uri, endpoint, options) {
    const invoked = async ({ details, argsList, result_handler }) => {
      const progress =
        details.receive_progress &&
        ((value) => result_handler({ argsList: [value], options: { progress: true } }));
      return { argsList: [await endpoint(argsList || [], { ...details, progress })] };
    };
    return this.session.register(uri, invoked, options);
  }

  async callAll(uri, args, { onProgress, ...options } = {}) {
    if (onProgress) options.progress_callback = ({ argsList }) => onProgress(argsList[0]);
    return (await this.session.call(uri, { argsList: args }, options)).argsList || [];
  }

  async call(uri, args, options) {
    return (await this.callAll(uri, args, options))[0];
  }

  async errorOf(uri, options) {
    return this.session.call(uri, null, options).then(
      () => "none",
      (fault) => fault.errorUri,
    );
  }

  async cancel(uri, milliseconds) {
    const call = this.errorOf(uri, {});
    const { reqId } = this.session.getOpStatus();
    await sleep(milliseconds);
    this.session.cancel(reqId, { mode: "killnowait" });
    return call;
  }

  async subscribe(uri, handler, options) {
    const on = ({ details, argsList }) => handler(argsList || [], details);
    return (await this.session.subscribe(uri, on, options)).subscriptionId;
  }

  publish(uri, args, options) {
    return this.session.publish(uri, { argsList: args }, options);
  }

  drop() {
    this.session._ws.close();
  }
}

Adapter.skips = ["retained"]; // it takes the option retain, and does not send it
run(Adapter);
