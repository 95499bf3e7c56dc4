package ranks

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// late is this host's network, but it knows no name and has no address before it was asked so often.
func late(names, addresses int) (network, *int) {
	asked := 0
	return network{
		lookup: func(_ context.Context, host string) ([]net.IPAddr, error) {
			asked++
			if names--; names >= 0 {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return []net.IPAddr{{IP: net.IPv4(127, 0, 0, 1)}}, nil
		},
		listen: func(kind, at string) (net.Listener, error) {
			if addresses--; addresses >= 0 {
				return nil, &net.OpError{Op: "listen", Net: kind, Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
			}
			return net.Listen(kind, at)
		},
	}, &asked
}

// TestListenLater: a name that DNS does not know yet and an address that the host does not have yet are waited for, as long as the meeting is.
func TestListenLater(t *testing.T) {
	n, asked := late(2, 1)
	l, err := n.open(t.Context(), "", "run1-node-0-0.run1:0")
	if err != nil || *asked != 4 {
		t.Fatalf("asked %d times: %v", *asked, err)
	}
	l.Close()
	n, _ = late(0, 2)
	if l, err = n.open(t.Context(), "127.0.0.1:0", "elsewhere:1"); err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, c := range []struct{ names, addresses int }{{1000, 0}, {0, 1000}} {
		n, asked = late(c.names, c.addresses)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*notYet, errDeadline)
		_, err = n.open(ctx, "", "run1-node-0-0.run1:7")
		cancel()
		if err == nil || *asked < 2 || !strings.Contains(err.Error(), "E731: rank 0 cannot listen at ") || !strings.Contains(err.Error(), "tried for 2s") {
			t.Errorf("%+v: asked %d times: %v", c, *asked, err)
		}
	}
	n, _ = late(1000, 0)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if _, err := n.open(ctx, "", "run1-node-0-0.run1:7"); err != enough {
		t.Errorf("a signal meanwhile: %v", err)
	}
}

// TestListenInUse: a port that another program has is not waited for.
func TestListenInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errDeadline)
	defer cancel()
	for _, asked := range []string{"", other.Addr().String()} {
		if _, err := hostNetwork().open(ctx, asked, other.Addr().String()); err == nil || !strings.Contains(err.Error(), "E731") || strings.Contains(err.Error(), "tried for") {
			t.Errorf("%v", err)
		}
	}
	if _, err := hostNetwork().open(ctx, "127.0.0.1:nosuchservice", ""); err == nil || strings.Contains(err.Error(), "tried for") {
		t.Errorf("a port that is none: %v", err)
	}
}
