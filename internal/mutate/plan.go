package mutate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// A Plan says how many mutants are built with few builds: those that can share a program
// do, each of the others gets one of its own. It is read-only; [Plan.Run] may be called
// more than once.
type Plan struct {
	project Project
	mutants []*Mutant
	errs    []error   // by index: the mutant cannot be built
	alone   []error   // by index: why it needs a program of its own
	shared  []*member // of the common program
}

// Plan applies the patches and finds out which mutants can share a program: those that
// change bodies of functions, and add functions, constants and types. A mutant
// that does something else, or adds a name that another one adds, needs one of its own.
// Errors, such as [ErrStale], are those of single mutants, and Run returns them; after the end
// of ctx they wrap its cause.
func (p Project) Plan(ctx context.Context, ms []*Mutant) *Plan {
	plan := &Plan{project: p, mutants: ms, errs: make([]error, len(ms)), alone: make([]error, len(ms))}
	root, err := resolve(p.Root)
	plan.project.Root = root
	edits := make([][]edit, len(ms))
	each(len(ms), runtime.GOMAXPROCS(0), func(i int) {
		if plan.errs[i] = err; err == nil {
			edits[i], plan.errs[i] = apply(ctx, root, ms[i])
		}
	})
	taken := make(map[string]string) // name -> mutant
	for i, m := range ms {
		if plan.errs[i] != nil {
			continue
		}
		member := &member{mutant: m}
		if plan.alone[i] = member.join(edits[i], taken); plan.alone[i] == nil {
			plan.shared = append(plan.shared, member)
		}
	}
	return plan
}

// each calls f with 0 to n-1, up to jobs of them (at least one) at the same time.
func each(n, jobs int, f func(i int)) {
	slots := make(chan struct{}, max(jobs, 1))
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

// join fills in the changes of a mutant, and notes in taken the names that it adds. The
// error says why it cannot share a program with those that did so before.
func (m *member) join(edits []edit, taken map[string]string) error {
	names := []string{"mutant " + m.mutant.Name}
	for _, e := range edits {
		c, err := compare(m.mutant, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.file, err)
		}
		for _, name := range c.names {
			names = append(names, path.Join(path.Dir(e.file), name))
		}
		m.changes = append(m.changes, c)
	}
	for _, name := range names {
		if other, ok := taken[name]; ok {
			return fmt.Errorf("%s is also of mutant %s", name, other)
		}
	}
	for _, name := range names {
		taken[name] = m.mutant.Name
	}
	return nil
}

// Shared returns how many mutants share the common program, if all that seem fit for it
// compile: 0 or at least two, as one might as well have a program of its own.
func (p *Plan) Shared() int {
	if len(p.shared) < 2 {
		return 0
	}
	return len(p.shared)
}

// Alone says why mutants get a program of their own, by index. The entry is nil for those
// that share one, and for those that cannot be built.
func (p *Plan) Alone() []error { return slices.Clone(p.alone) }

// A Program runs with the code of one mutant while the function that got it has not
// returned.
type Program struct {
	path   string
	mutant string
}

// Run runs the program with args (without its name) in the current directory, and
// returns its exit code: 128 plus the signal if one ended it, -1 if it never ran. When ctx
// ends the program gets SIGTERM, is killed five seconds later, and the error wraps the cause
// of ctx. Safe for concurrent use.
func (p Program) Run(ctx context.Context, stdout, stderr io.Writer, args ...string) (exitCode int, err error) {
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env = append(cmd.Environ(), variable+"="+p.mutant) // of no concern to a program of its own
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return run(ctx, cmd, nil)
}

// Run builds the programs and calls use with that of each mutant. First comes the common
// one; then up to jobs mutants (at least one) are in work at the same time, so use must be
// safe for concurrent calls. Mutants that the compiler may have meant when it refused the
// common program leave it for one of their own, which shows what is wrong with which.
//
// The result has one entry for each mutant, in their order: why it could not be built, else
// the error of use. When ctx ends, the mutants that use was not called with have an error
// that wraps its cause. Files are gone when Run returns.
func (p *Plan) Run(ctx context.Context, jobs int, use func(m *Mutant, program Program) error) []error {
	errs := slices.Clone(p.errs)
	err := scratch(func(dir string) error {
		common := filepath.Join(dir, "common")
		has, err := p.buildCommon(ctx, common)
		if err != nil {
			return err
		}
		each(len(p.mutants), jobs, func(i int) {
			switch m := p.mutants[i]; {
			case errs[i] != nil:
			case ctx.Err() != nil:
				errs[i] = fmt.Errorf("mutate: %s: %w", m.Path, context.Cause(ctx))
			case p.alone[i] == nil && has[m]:
				errs[i] = use(m, Program{common, m.Name})
			default:
				errs[i] = p.useAlone(ctx, m, filepath.Join(dir, fmt.Sprint("alone", i)), use)
			}
		})
		return nil
	})
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

// useAlone builds a program for m alone, at out, and uses it.
func (p *Plan) useAlone(ctx context.Context, m *Mutant, out string, use func(m *Mutant, program Program) error) (err error) {
	if err := p.project.Build(ctx, m, out); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(out)) }()
	return use(m, Program{out, m.Name})
}

// buildCommon builds the common program and returns the mutants that are in it. When the
// compiler refuses code that is of no mutant, nothing is.
func (p *Plan) buildCommon(ctx context.Context, out string) (has map[*Mutant]bool, err error) {
	for members := p.shared; len(members) > 1; {
		err := p.project.compile(ctx, p.project.Root, compose(members), out)
		if err == nil {
			has = make(map[*Mutant]bool)
			for _, m := range members {
				has[m.mutant] = true
			}
			return has, nil
		}
		if !errors.Is(err, ErrBuild) {
			return nil, err
		}
		rest := slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m.blamed(err.Error()) })
		if len(rest) == len(members) {
			return nil, nil
		}
		members = rest
	}
	return nil, nil
}
