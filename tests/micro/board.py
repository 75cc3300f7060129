"""What a board does, on MicroPython and CPython alike; drive.py connects it.

It serves com.test.echo, com.test.fail and com.test.figures; what comes on com.test.down it
publishes on com.test.back, what comes below com.test.all with its topic. At com.test.work [n] it
publishes n events, some acknowledged, and makes n calls, as fast as there is room for them.
com.test.leave [] has it leave.
"""

ACKNOWLEDGED = 10  # one event of so many


class Board:
    def __init__(self, wamp):
        self.wamp = wamp
        self.figures = {}
        wamp.subscribe("com.test.down", lambda number: wamp.publish("com.test.back", number))
        wamp.subscribe("com.test.all.", self.tell, {"match": "prefix"})
        wamp.subscribe("com.test.work", self.begin)
        wamp.subscribe("com.test.leave", wamp.leave)
        wamp.register("com.test.fail", lambda: 1 // 0)
        wamp.register("com.test.echo", lambda *args, **kwargs: [args, kwargs])
        wamp.register("com.test.figures", lambda: self.figures)

    def tell(self, *args):
        topic = self.wamp.details["topic"]
        self.wamp.publish("com.test.back", topic, *args, options={"exclude_me": False})

    def begin(self, number):
        self.figures = dict(todo=number, published=0, acknowledged=0, called=0, answered=0, wrong=0)

    def work(self):
        """Publish and call as long as there is room."""
        figures = self.figures
        while figures and figures["published"] < figures["todo"]:
            number = figures["published"]
            then = None if number % ACKNOWLEDGED else self.acknowledged
            if not self.wamp.publish("com.test.up", number, unit="C", then=then):
                break
            figures["published"] += 1
        while figures and figures["called"] < figures["todo"] and self.call(figures["called"]):
            figures["called"] += 1

    def acknowledged(self, _, error):
        self.figures["acknowledged"] += 1
        self.figures["wrong"] += error is not None

    def call(self, number):
        def then(result, error):
            self.figures["answered"] += 1
            self.figures["wrong"] += error is not None or result != number + 1

        return self.wamp.call("com.test.add_one", then, number, options={"timeout": 9000})
