import com.fasterxml.jackson.databind.ObjectMapper;
import io.crossbar.autobahn.wamp.Client;
import io.crossbar.autobahn.wamp.Session;
import io.crossbar.autobahn.wamp.exceptions.ApplicationError;
import io.crossbar.autobahn.wamp.interfaces.IInvocationHandler;
import io.crossbar.autobahn.wamp.interfaces.TriConsumer;
import io.crossbar.autobahn.wamp.interfaces.TriFunction;
import io.crossbar.autobahn.wamp.reflectionRoles.WampException;
import io.crossbar.autobahn.wamp.transports.NettyWebSocket;
import io.crossbar.autobahn.wamp.types.CallOptions;
import io.crossbar.autobahn.wamp.types.CallResult;
import io.crossbar.autobahn.wamp.types.EventDetails;
import io.crossbar.autobahn.wamp.types.InvocationDetails;
import io.crossbar.autobahn.wamp.types.InvocationResult;
import io.crossbar.autobahn.wamp.types.PublishOptions;
import io.crossbar.autobahn.wamp.types.Registration;
import io.crossbar.autobahn.wamp.types.Subscription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The sessions that README.md tells of, through autobahn-java: WebSocket alone. */
public class Main {
    static final long PATIENCE = 20;
    static final ObjectMapper JSON = new ObjectMapper();

    record Payload(List<Object> args, Map<String, Object> kwargs) {}

    /** Where and as what to join: the realm and one triple of the command line. */
    record Place(String realm, String prefix, String serializer, String url) {}

    static <T> T within(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE, TimeUnit.SECONDS);
    }

    static Map<String, Object> seen(Object args, Object kwargs) {
        Map<String, Object> both = new HashMap<>();
        both.put("args", args);
        both.put("kwargs", kwargs);
        return both;
    }

    /** A joined session, and what tells that it has left. */
    static class Joined {
        static final int ATTEMPTS = 6;
        final Session session = new Session();
        final CompletableFuture<Void> joined = new CompletableFuture<>();
        final CompletableFuture<String> left = new CompletableFuture<>();

        private Joined(Place place) {
            session.addOnJoinListener((self, details) -> joined.complete(null));
            session.addOnLeaveListener((self, details) -> {
                left.complete(details.reason);
                joined.completeExceptionally(new IllegalStateException(details.reason));
            });
            String serializer = "wamp.2." + place.serializer();
            Client client = new Client(new NettyWebSocket(place.url(), List.of(serializer)));
            client.add(session, place.realm());
            client.connect();
        }

        /**
         * Join, again if need be: the session sends HELLO before it is ready for the answer, and
         * hangs where WELCOME is there first.
         */
        static Joined at(Place place) throws Exception {
            for (int attempt = 1; ; attempt++) {
                Joined session = new Joined(place);
                try {
                    session.joined.get(attempt, TimeUnit.SECONDS);
                    return session;
                } catch (TimeoutException late) {
                    if (attempt == ATTEMPTS) {
                        throw late;
                    }
                }
            }
        }

        void leave() throws Exception {
            session.leave();
            within(left);
        }
    }

    static class Callee {
        final Joined joined;
        final BlockingQueue<Map<String, Object>> events = new LinkedBlockingQueue<>();
        final Registration echo;
        final Registration failing;
        final Subscription topic;

        Callee(Place place) throws Exception {
            joined = Joined.at(place);
            String prefix = place.prefix();
            IInvocationHandler back = (args, kwargs, details) -> new InvocationResult(args, kwargs);
            WampException why = new WampException(
                prefix + ".error", Map.of(), List.of(42), Map.of("why", "because"));
            // a future: of what a handler throws the client keeps no URI
            TriFunction<List<Object>, Map<String, Object>, InvocationDetails, Object> fail =
                (args, kwargs, details) -> CompletableFuture.failedFuture(why);
            TriConsumer<List<Object>, Map<String, Object>, EventDetails> onEvent =
                (args, kwargs, details) -> events.add(seen(args, kwargs));
            echo = within(joined.session.register(prefix + ".echo", back));
            failing = within(joined.session.register(prefix + ".fail", fail));
            topic = within(joined.session.subscribe(prefix + ".topic", onEvent));
        }

        Map<String, Object> finish() throws Exception {
            Map<String, Object> first = events.poll(PATIENCE, TimeUnit.SECONDS);
            if (first == null) {
                throw new IllegalStateException("no event came");
            }
            within(topic.unsubscribe());
            within(echo.unregister());
            within(failing.unregister());
            joined.leave();
            List<Object> all = new ArrayList<>(List.of(first));
            events.drainTo(all);
            return Map.of("events", all);
        }
    }

    static Map<String, Object> errorOf(Session session, String uri) throws Exception {
        try {
            within(session.call(uri, 1));
        } catch (ExecutionException error) {
            if (error.getCause() instanceof ApplicationError refused) {
                Map<String, Object> told = seen(refused.args, refused.kwargs);
                told.put("uri", refused.getMessage());
                return told;
            }
            throw error;
        }
        throw new IllegalStateException(uri + " was expected to fail");
    }

    static Map<String, Object> use(Session session, String prefix, Payload payload)
            throws Exception {
        Map<String, Object> told = new HashMap<>();
        CallResult result = within(
            session.call(prefix + ".echo", payload.args(), payload.kwargs(), (CallOptions) null));
        told.put("result", seen(result.results, result.kwresults));
        told.put("error", errorOf(session, prefix + ".fail"));
        told.put("missing", errorOf(session, prefix + ".nobody").get("uri"));
        PublishOptions acknowledged = new PublishOptions(true, true);
        told.put("published", within(session.publish(
            prefix + ".topic", payload.args(), payload.kwargs(), acknowledged)).publication > 0);
        return told;
    }

    static Map<String, Object> both(Place place, Payload payload) throws Exception {
        Callee callee = new Callee(place);
        Joined caller = Joined.at(place);
        Map<String, Object> told = use(caller.session, place.prefix(), payload);
        Map<String, Object> events = callee.finish();
        told.put("gone", errorOf(caller.session, place.prefix() + ".echo").get("uri"));
        caller.leave();
        return Map.of("callee", events, "caller", told);
    }

    static Map<String, Object> serve(Place place) throws Exception {
        Callee callee = new Callee(place);
        System.out.println("{\"ready\": true}");
        System.in.readAllBytes();
        return Map.of("callee", callee.finish());
    }

    static Map<String, Object> call(Place place, Payload payload) throws Exception {
        Joined caller = Joined.at(place);
        Map<String, Object> told = use(caller.session, place.prefix(), payload);
        caller.leave();
        return Map.of("caller", told);
    }

    static Map<String, Object> play(String mode, Place place, Payload payload) throws Exception {
        return switch (mode) {
            case "both" -> both(place, payload);
            case "serve" -> serve(place);
            default -> call(place, payload);
        };
    }

    @SuppressWarnings("unchecked")
    public static void main(String[] words) throws Exception {
        Logger.getLogger("").setLevel(Level.WARNING);
        Map<String, Object> values = JSON.readValue(words[2], Map.class);
        Payload payload = new Payload(
            (List<Object>) values.get("args"), (Map<String, Object>) values.get("kwargs"));
        int status = 0;
        for (int i = 3; i + 2 < words.length; i += 3) {
            Place place = new Place(words[1], words[i], words[i + 1], words[i + 2]);
            Map<String, Object> told;
            try {
                told = play(words[0], place, payload);
            } catch (Exception error) {
                status = 1;
                told = Map.of("failed", error + ", " + List.of(error.getStackTrace()));
            }
            System.out.println(JSON.writeValueAsString(told));
        }
        System.exit(status);
    }
}
