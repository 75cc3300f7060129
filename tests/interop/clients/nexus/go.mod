module interop

go 1.25

require github.com/gammazero/nexus/v3 v3.3.0
