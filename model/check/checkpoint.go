package check

import (
	"fmt"
	"io"
	"strings"
)

// Save writes the search as it is between two calls of [Search.Level], for
// [Load]. An error is one of the writer.
func (s *Search[S]) Save(w io.Writer) error {
	f := newFrameWriter(w)
	f.string(s.identity())
	f.uint(s.origin())
	for _, v := range s.counters() {
		f.uint(*v)
	}
	f.uint(uint64(len(s.stats.Levels)))
	for _, n := range s.stats.Levels {
		f.uint(n)
	}
	for _, n := range s.taken {
		f.uint(n)
	}
	for _, found := range s.found {
		f.uint(uint64(int64(found.depth)))
		f.uint(uint64(found.hit.at))
		f.uint(uint64(int64(found.hit.step)))
	}
	for i := range s.tables {
		s.tables[i].save(f)
	}
	s.cur.save(f, s.page)
	s.next.save(f, 0)
	if err := f.close(); err != nil {
		return fmt.Errorf("check: write checkpoint: %w", err)
	}
	return nil
}

// Load returns a search that goes on where one was saved. The model must be the
// same, and so must be the options Symmetry, Exact and Seed; others may differ.
// It reads to the end of the reader. The error is an [ErrModel], an
// [ErrCheckpoint] that says what is wrong, or one of the reader.
func Load[S comparable](r io.Reader, m Model[S], o Options) (*Search[S], error) {
	fresh, err := New(m, o)
	if err != nil {
		return nil, err
	}
	s := newSearch(fresh.rules, o)
	f := newFrameReader(r)
	if mine, its := s.identity(), f.string(1<<20); f.err == nil && mine != its {
		f.fail("%s", difference(mine, its))
	}
	if f.uint() != fresh.origin() {
		f.fail("its initial states, or the machine it was written on, are different")
	}
	for _, v := range s.counters() {
		*v = f.uint()
	}
	for range f.uint() {
		if f.err != nil {
			break
		}
		s.stats.Levels = append(s.stats.Levels, f.uint())
	}
	s.stats.Depth = len(s.stats.Levels) - 1
	for i := range s.taken {
		s.taken[i] = f.uint()
	}
	for i := range s.found {
		s.found[i] = finding{int(f.uint()), hit{int64(f.uint()), int32(f.uint())}}
	}
	states := uint64(0)
	for i := range s.tables {
		s.tables[i].load(f, i)
		states += uint64(s.tables[i].n)
	}
	s.cur.load(f, &s.page)
	var none int
	s.next.load(f, &none)
	s.measure()
	switch err := f.close(); {
	case err != nil:
		return nil, err
	case states != s.stats.Distinct || s.stats.Waiting != uint64(s.next.n):
		f.fail("its numbers of states do not agree")
		return nil, f.err
	}
	s.report = s.stats.Distinct + s.options.ProgressEvery
	return s, nil
}

// identity is what two searches must have in common for one to go on with the
// work of the other, a line for each thing.
func (s *Search[S]) identity() string {
	r := s.rules
	var b strings.Builder
	fmt.Fprintf(&b, "model %s\n", r.model.Name())
	fmt.Fprintf(&b, "state of %d bytes\n", sizeOf[S]())
	fmt.Fprintf(&b, "symmetry %v\n", r.canonical != nil)
	fmt.Fprintf(&b, "exact %v\n", s.options.Exact)
	fmt.Fprintf(&b, "seed %d\n", s.options.Seed)
	fmt.Fprintf(&b, "boundary %v, closed %v\n", r.within != nil, r.closed)
	for _, a := range r.actions {
		fmt.Fprintf(&b, "action %s\n", a)
	}
	for _, p := range r.props {
		fmt.Fprintf(&b, "property %s, %v\n", p.name, p.kind)
	}
	return b.String()
}

// difference says where two identities differ first.
func difference(mine, its string) string {
	m, i := strings.Split(mine, "\n"), strings.Split(its, "\n")
	for n := range min(len(m), len(i)) {
		if m[n] != i[n] {
			return fmt.Sprintf("it is of %q, not %q", i[n], m[n])
		}
	}
	return fmt.Sprintf("it is of %d actions and properties, not %d", len(i), len(m))
}

// origin is a digest of the initial states as fingerprints see them, which
// another machine may do differently.
func (s *Search[S]) origin() uint64 {
	digest := uint64(0)
	for _, t := range s.rules.model.Init() {
		digest = mix(digest^fingerprint(&t, s.rules.seed), 0x9e3779b97f4a7c15)
	}
	return digest
}

// counters are the single numbers of a search.
func (s *Search[S]) counters() []*uint64 {
	return []*uint64{&s.stats.Distinct, &s.stats.Steps, &s.stats.Cut, &s.stats.Waiting, &s.stats.Peak}
}

func (t *table[S]) save(f *frameWriter) {
	f.uint(uint64(t.size))
	f.uint(uint64(t.n))
	for i, fp := range t.fps {
		if fp == vacant {
			continue
		}
		f.uint(fp)
		if t.keys != nil {
			f.bytes(bytesOf(&t.keys[i]))
		}
	}
}

// load fills an empty table, which is the one of that number.
func (t *table[S]) load(f *frameReader, number int) {
	size, n := f.uint(), f.uint()
	if f.err != nil {
		return
	}
	if size > 64 && size > 4*n { // it would never have grown that large
		f.fail("a table of %d homes for %d states", size, n)
		return
	}
	for uint64(t.size) < size {
		t.grow()
	}
	if uint64(t.size) != size || n > uint64(t.room) {
		f.fail("a table of %d homes for %d states", size, n)
		return
	}
	for range n {
		fp := f.uint()
		var key S
		if t.keys != nil {
			f.bytes(bytesOf(&key))
		}
		if f.err != nil {
			return
		}
		if slot, isNew := t.insert(fp, &key); !isNew || fp == vacant || shardOf(fp) != number {
			f.fail("fingerprint %x is in slot %d twice, or does not belong there", fp, slot)
			return
		}
	}
}

// save writes the states from a page on, and how many there are before.
func (q *frontier[S]) save(f *frameWriter, page int) {
	f.uint(uint64(q.n))
	f.uint(uint64(page))
	for i := page; i < len(q.pages); i++ {
		for s := range q.pages[i].all {
			f.bytes(bytesOf(&s))
		}
	}
}

func (q *frontier[S]) load(f *frameReader, done *int) {
	n, first := f.uint(), f.uint()
	if f.err != nil {
		return
	}
	size := uint64(pageStates[S]())
	if n > 1<<32 || first > (n+size-1)/size {
		f.fail("a level of %d states of which %d pages are done", n, first)
		return
	}
	q.n, *done = int64(n), int(first)
	q.pages = make([]page[S], first)
	var p packer[S]
	p.begin(0)
	for at := first * size; at < n && f.err == nil; at++ {
		var s S
		f.bytes(bytesOf(&s))
		p.add(&s)
	}
	p.end()
	q.add(int64(first*size), p.parts)
}
