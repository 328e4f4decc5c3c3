package impl

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// The benchmarks compare sessions with what applications would use without them, Go's
// unix stream sockets, by the same code, in turns, in the same processes.

// BenchCall asks an agent for a server at URI, whose session layer is at Core, and one at
// the unix socket Unix.
type BenchCall struct {
	Layer, URI, Unix string
	Options          BenchOptions
}

// BenchOptions are the options of both applications.
type BenchOptions struct{ Spin, FifoSize int }

func (o BenchOptions) options() Options {
	return Options{Spin: o.Spin, RxSize: o.FifoSize, TxSize: o.FifoSize}
}

// Bench serves benchmarks.
func (a *Agent) Bench(c BenchCall, _ *None) (err error) {
	if a.app, err = Attach(a.host, c.Layer, c.Options.options()); err != nil {
		return err
	}
	for _, serve := range []func(net.Conn){obey, hangup} {
		l, err := a.app.Listen(c.URI)
		if err != nil {
			return err
		}
		u, err := net.Listen("unix", c.Unix)
		if err != nil {
			return err
		}
		a.unix = append(a.unix, u)
		for _, l := range []net.Listener{l, u} {
			go serveAll(l, serve)
		}
		c.URI, c.Unix = hangupURI, c.Unix+hangupUnix
	}
	return nil
}

// Where a server hangs up at once.
const (
	hangupURI  = "tcp://127.0.0.1/81"
	hangupUnix = ".hangup"
)

func hangup(c net.Conn) { _ = c.Close() }

func serveAll(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serve(c)
	}
}

// What a benchmark can order: Count messages of Size bytes, each of which is to be
// echoed, or none, and then there is one byte as an answer.
type benchOrder struct {
	Echo        bool
	Size, Count uint32
}

// obey obeys what comes over c until that is closed.
func obey(c net.Conn) {
	defer c.Close()
	var o benchOrder
	var msg []byte
	header := make([]byte, binary.Size(o))
	for {
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		if _, err := binary.Decode(header, binary.NativeEndian, &o); err != nil {
			return
		}
		msg = slices.Grow(msg, int(o.Size))[:o.Size]
		for range o.Count {
			if _, err := io.ReadFull(c, msg); err != nil {
				return
			}
			if !o.Echo {
				continue
			}
			if _, err := c.Write(msg); err != nil {
				return
			}
		}
		if o.Echo {
			continue
		}
		if _, err := c.Write([]byte("!")); err != nil {
			return
		}
	}
}

// command has the server at the other end of c obey o, with this side's part.
func command(c net.Conn, o benchOrder) error {
	header, err := binary.Append(nil, binary.NativeEndian, o)
	if err != nil {
		return err
	}
	if _, err := c.Write(header); err != nil {
		return err
	}
	msg := make([]byte, o.Size)
	for range o.Count {
		if _, err := c.Write(msg); err != nil {
			return err
		}
		if !o.Echo {
			continue
		}
		if _, err := io.ReadFull(c, msg); err != nil {
			return err
		}
	}
	if o.Echo {
		return nil
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// benchmark has a client application of this process, and a server that is an agent or
// runs in this process, too.
type benchmark struct {
	b      *testing.B
	client *App
	unix   string
}

func newBenchmark(b *testing.B, processes bool, o BenchOptions) *benchmark {
	b.Helper()
	dir := b.TempDir()
	call1 := BenchCall{filepath.Join(dir, "layer"), testURI, filepath.Join(dir, "unix"), o}
	if processes {
		proctest.Call[None](proctest.Start(b), "Layer", call1.Layer)
		proctest.Call[None](proctest.Start(b), "Bench", call1)
	} else {
		a := newAgent()
		check(b, a.Layer(call1.Layer, nil))
		check(b, a.Bench(call1, nil))
		b.Cleanup(func() {
			check(b, errors.Join(a.unix[0].Close(), a.unix[1].Close(), a.app.Close(), a.EndLayer(None{}, nil)))
		})
	}
	client, err := Attach(oshost.New(), call1.Layer, o.options())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { check(b, client.Close()) })
	return &benchmark{b, client, call1.Unix}
}

func (m *benchmark) dial() (net.Conn, error) { return m.client.Dial(context.Background(), testURI) }

func (m *benchmark) dialUnix() (net.Conn, error) { return net.Dial("unix", m.unix) }

func (m *benchmark) dialHangup() (net.Conn, error) {
	return m.client.Dial(context.Background(), hangupURI)
}

func (m *benchmark) dialUnixHangup() (net.Conn, error) { return net.Dial("unix", m.unix+hangupUnix) }

// duel runs b.N operations of the candidate, in rounds, and after each round as many of
// its rival as take about as long, which get one operation in share. It reports the
// candidate's time as ns/op and how many times longer the rival takes: the median over
// rounds, because a shared machine disturbs some of them.
func (m *benchmark) duel(round, share int, session, unix func(n int) error) {
	b := m.b
	timed := func(run func(int) error, n int) float64 {
		begin := time.Now()
		if err := run(n); err != nil {
			b.Fatal(err)
		}
		return float64(time.Since(begin).Nanoseconds()) / float64(n)
	}
	var mine, theirs, ratios []float64
	b.ResetTimer()
	for left := b.N; left > 0; left -= round {
		n := min(left, round)
		t := timed(session, n)
		b.StopTimer()
		u := timed(unix, max(1, n/share))
		mine, theirs, ratios = append(mine, t), append(theirs, u), append(ratios, u/t)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(median(mine), "ns/op")
	b.ReportMetric(median(theirs), "unix-ns")
	b.ReportMetric(median(ratios), "x-unix")
}

func median(s []float64) float64 {
	slices.Sort(s)
	return s[len(s)/2]
}

// over returns a function that runs n messages over a connection of its own.
func (m *benchmark) over(dial func() (net.Conn, error), o benchOrder) func(n int) error {
	c, err := dial()
	if err != nil {
		m.b.Fatal(err)
	}
	m.b.Cleanup(func() { check(m.b, c.Close()) })
	return func(n int) error {
		o.Count = uint32(n)
		return command(c, o)
	}
}

// BenchmarkStream is the throughput of messages to another process, which reads
// them one by one.
func BenchmarkStream(b *testing.B) {
	for _, size := range []uint32{64, 1460, 16384} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			m := newBenchmark(b, true, BenchOptions{fifo.SpinDefault, 4 << 20})
			o := benchOrder{Size: size}
			b.SetBytes(int64(size))
			m.duel(int(min(200_000, 200<<20/size)), 20, m.over(m.dial, o), m.over(m.dialUnix, o))
		})
	}
}

// BenchmarkRoundTrip is the time of a message to another process and back, which
// both wait for busily or asleep.
func BenchmarkRoundTrip(b *testing.B) {
	for _, wait := range []struct {
		name  string
		spin  int
		share int
	}{{"busy", fifo.SpinDefault, 20}, {"asleep", 0, 1}} {
		for _, size := range []uint32{64, 1460} {
			b.Run(fmt.Sprintf("wait=%s/size=%d", wait.name, size), func(b *testing.B) {
				m := newBenchmark(b, true, BenchOptions{Spin: wait.spin})
				o := benchOrder{Echo: true, Size: size}
				m.duel(20*wait.share*20, wait.share, m.over(m.dial, o), m.over(m.dialUnix, o))
			})
		}
	}
}

// connects returns a function that makes n connections, one after the other, each for one
// use.
func connects(dial func() (net.Conn, error), use func(net.Conn) error) func(n int) error {
	return func(n int) error {
		for range n {
			c, err := dial()
			if err == nil {
				err = use(c)
			}
			if err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		return nil
	}
}

func nothing(net.Conn) error { return nil }

// end waits until the server has accepted and hung up.
func end(c net.Conn) error {
	n, err := c.Read(make([]byte, 1))
	if n > 0 || err != io.EOF {
		return fmt.Errorf("%d bytes and %v, want the end", n, err)
	}
	return nil
}

// askOnce asks for something and gets its answer.
func askOnce(c net.Conn) error { return command(c, benchOrder{Size: 64, Count: 1}) }

// BenchmarkConnect is the time to connect, have it accepted, and close on both sides. For
// nothing, a client of a unix socket does not wait until its server accepts, ours does; at the end
// that the server makes both have waited; and then there is a short request and its answer.
func BenchmarkConnect(b *testing.B) {
	for _, peer := range []string{"task", "process"} {
		for _, u := range []struct {
			name string
			use  func(net.Conn) error
		}{{"nothing", nothing}, {"end", end}, {"request", askOnce}} {
			b.Run(fmt.Sprintf("peer=%s/use=%s", peer, u.name), func(b *testing.B) {
				m := newBenchmark(b, peer == "process", BenchOptions{Spin: fifo.SpinDefault})
				warm, err := m.dial()
				check(b, err)
				dial, dialUnix := m.dial, m.dialUnix
				if u.name == "end" {
					dial, dialUnix = m.dialHangup, m.dialUnixHangup
				}
				m.duel(200, 1, connects(dial, u.use), connects(dialUnix, u.use))
				check(b, warm.Close())
			})
		}
	}
}

// HopCall asks an agent to pass on what the first process that dials From sends to the listener at To, and the
// answers back; without To it says the same.
type HopCall struct{ From, To string }

// Hop does that until one of them hangs up.
func (a *Agent) Hop(c HopCall, _ *None) error {
	h := oshost.New()
	l, err := h.Listen(c.From)
	if err != nil {
		return err
	}
	var out shm.Conn
	if c.To != "" {
		if out, err = h.Dial(c.To, shm.Forever); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	go func() {
		in, err := l.Accept(shm.Forever)
		_ = l.Close()
		buf := make([]byte, wire.MaxSize)
		pass := func(from, to shm.Conn) {
			n := 0
			if err == nil {
				n, _, err = from.Recv(buf, shm.Forever)
			}
			if err == nil {
				err = to.Send(buf[:n], nil, shm.Forever)
			}
		}
		for err == nil {
			if out == nil {
				pass(in, in)
			} else {
				pass(in, out)
				pass(out, in)
			}
		}
		for _, c := range []shm.Conn{in, out} {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	return nil
}

// BenchmarkHops is how fast a connect can be at best that the session layer hands to the server and whose answer comes
// back the same way: its four messages, and nothing else, beside the whole connection of a unix socket, which takes two.
func BenchmarkHops(b *testing.B) {
	for _, peer := range []string{"task", "process"} {
		b.Run("peer="+peer, func(b *testing.B) {
			m := newBenchmark(b, peer == "process", BenchOptions{})
			dir := b.TempDir()
			server := HopCall{From: filepath.Join(dir, "server")}
			layer := HopCall{From: filepath.Join(dir, "layer"), To: server.From}
			if peer == "process" {
				proctest.Call[None](proctest.Start(b), "Hop", server)
				proctest.Call[None](proctest.Start(b), "Hop", layer)
			} else {
				check(b, newAgent().Hop(server, nil))
				check(b, newAgent().Hop(layer, nil))
			}
			c, err := oshost.New().Dial(layer.From, shm.Forever)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { check(b, c.Close()) }()
			msg := wire.Message{Type: wire.Connect, URI: testURI}.Encode(nil)
			buf := make([]byte, wire.MaxSize)
			m.duel(200, 1, func(n int) error {
				for range n {
					if err := c.Send(msg, nil, shm.Forever); err != nil {
						return err
					}
					if _, _, err := c.Recv(buf, shm.Forever); err != nil {
						return err
					}
				}
				return nil
			}, connects(m.dialUnixHangup, end))
		})
	}
}

// BenchmarkLive is BenchmarkConnect for a request while so many sessions of the same
// two applications live.
func BenchmarkLive(b *testing.B) {
	for _, live := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			m := newBenchmark(b, true, BenchOptions{fifo.SpinDefault, 1024})
			var all []net.Conn
			for range live {
				c, err := m.dial()
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, c)
			}
			m.duel(200, 1, connects(m.dial, askOnce), connects(m.dialUnix, askOnce))
			for _, c := range all {
				check(b, c.Close())
			}
		})
	}
}
