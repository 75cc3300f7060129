module interop

go 1.25

require github.com/xconnio/xconn-go v0.1.0
