// wampy.js: WebSocket alone. It is required from the directory that NODE_PATH names.
"use strict";

const { Wampy } = require("wampy");
const { WebSocket } = require("ws");
const { run } = require("./scenario.js");

const serializers = {
  json: () => new (require("wampy/JsonSerializer.js").JsonSerializer)(),
  msgpack: () => new (require("wampy/MsgpackSerializer.js").MsgpackSerializer)(),
  cbor: () => new (require("wampy/CborSerializer.js").CborSerializer)(),
};

class Adapter {
  async join(url, realm, serializer) {
    this.session = new Wampy(url, {
      realm,
      ws: WebSocket,
      serializer: serializers[serializer](),
      autoReconnect: false,
    });
    await this.session.connect();
  }

  async register(uri, endpoint) {
    await this.session.register(uri, ({ argsList, argsDict }) => {
      try {
        const { args, kwargs } = endpoint(argsList, argsDict);
        return { argsList: args, argsDict: kwargs };
      } catch (fault) {
        throw { error: fault.uri, argsList: fault.args, argsDict: fault.kwargs };
      }
    });
    return uri;
  }

  unregister(uri) {
    return this.session.unregister(uri);
  }

  async call(uri, positional, keywords) {
    try {
      const payload = { argsList: positional, argsDict: keywords };
      const { argsList, argsDict } = await this.session.call(uri, payload);
      return { args: argsList, kwargs: argsDict };
    } catch (fault) {
      if (!fault.errorUri) throw fault;
      throw { uri: fault.errorUri, args: fault.argsList, kwargs: fault.argsDict };
    }
  }

  async subscribe(uri, handler) {
    const onEvent = ({ argsList, argsDict }) => handler(argsList, argsDict);
    return (await this.session.subscribe(uri, onEvent)).subscriptionKey;
  }

  unsubscribe(key) {
    return this.session.unsubscribe(key);
  }

  async publish(uri, positional, keywords) {
    // wampy always asks for an acknowledgement
    const payload = { argsList: positional, argsDict: keywords };
    return (await this.session.publish(uri, payload)).publicationId > 0;
  }

  leave() {
    return this.session.disconnect();
  }
}

run(Adapter);
