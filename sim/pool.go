package sim

// pool makes objects that live as long as one execution, and hands out the same ones again in the next: to allocate them anew
// would be a large part of a short execution.
type pool[T any] struct {
	objects []*T
	used    int
}

// get returns an object that is not in use. It is zero or as an earlier execution has left it.
func (p *pool[T]) get() *T {
	if p.used == len(p.objects) {
		p.objects = append(p.objects, new(T))
	}
	p.used++
	return p.objects[p.used-1]
}

// reset takes all objects back.
func (p *pool[T]) reset() { p.used = 0 }
