"""CircuitPython's wifi: a network that is there once it is asked for."""


class Radio:
    connected = False

    def connect(self, ssid, password=b""):
        self.connected = (ssid, password) == ("home", "s3cret")


radio = Radio()
