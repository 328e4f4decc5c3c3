package check

import "slices"

// A frontier is one level of a search: its states, in order, on pages.
type frontier[S comparable] struct {
	pages []page[S]
	n     int64 // states
	bytes int   // that the pages hold
}

// A page is up to [pageStates] states, in parts that are packed each for itself:
// several blocks may have states for one page. All pages of a level but the
// last are full.
type page[S comparable] [][]byte

// partHeader is what a part takes besides what is packed in it.
const partHeader = 24

// pageStates returns how many states a page has. Pages of large states have
// fewer, because a block has the successors of all states of a page in a buffer.
func pageStates[S comparable]() int64 {
	return int64(max(1, min(1024, 1<<16/sizeOf[S]())))
}

// add appends parts, the first of which begins at a place in the level and the
// others at the beginning of a page each.
func (f *frontier[S]) add(place int64, parts [][]byte) {
	first := int(place / pageStates[S]())
	for i, part := range parts {
		if first+i == len(f.pages) {
			f.pages = append(f.pages, nil)
		}
		f.pages[first+i] = append(f.pages[first+i], part)
		f.bytes += partHeader + cap(part)
	}
}

// drop forgets the states on some pages.
func (f *frontier[S]) drop(pages []page[S]) {
	for i := range pages {
		for _, part := range pages[i] {
			f.bytes -= partHeader + cap(part)
		}
		pages[i] = nil
	}
}

// all yields the states of the page, in order.
func (p page[S]) all(yield func(S) bool) {
	for _, part := range p {
		var s S
		for len(part) > 0 {
			if isSmall[S]() {
				part = part[copy(bytesOf(&s), part):]
			} else {
				part = applyDifference(part, bytesOf(&s))
			}
			if !yield(s) {
				return
			}
		}
	}
}

// A packer makes parts of pages of the states that it is given. Its buffer is
// used again and again.
type packer[S comparable] struct {
	parts [][]byte
	part  []byte // under way
	last  S      // state in it
	room  int64  // for so many states until the page is full
}

// begin makes the packer ready for the states from a place in a level on.
func (p *packer[S]) begin(place int64) {
	p.parts = nil
	p.room = pageStates[S]() - place%pageStates[S]()
}

// add packs a state.
func (p *packer[S]) add(s *S) {
	if p.room == 0 {
		p.end()
		p.room = pageStates[S]()
	}
	p.room--
	if isSmall[S]() {
		p.part = append(p.part, bytesOf(s)...)
		return
	}
	p.part = appendDifference(p.part, bytesOf(s), bytesOf(&p.last))
	p.last = *s
}

// end ends a part.
func (p *packer[S]) end() {
	if len(p.part) > 0 {
		p.parts = append(p.parts, slices.Clone(p.part))
	}
	var zero S
	p.part, p.last = p.part[:0], zero
}
