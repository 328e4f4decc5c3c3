package explore

import "cutthrough/sim"

// ByteChooser draws choices from the bytes of a fuzz input; when they are used
// up every choice is 0. Each choice takes one byte, 0 to 127 of which mean choice 0,
// so that most inputs preempt little.
type ByteChooser struct{ Data []byte }

// Choose implements [sim.Chooser].
func (c *ByteChooser) Choose(p *sim.Point) int {
	if len(c.Data) == 0 {
		return 0
	}
	b := int(c.Data[0])
	c.Data = c.Data[1:]
	if p.Draws > 0 || p.Forced {
		return b % p.N()
	}
	if b < 128 {
		return 0
	}
	return (b - 128) % p.N()
}
