package tidy

// An arrow says what a package, and everything below it that has no row of its
// own, may import besides the standard library and its own subtree. A path that ends in
// alone is one package, without the packages below it.
type arrow struct {
	pkg string
	may []string // packages, each with everything below
	why string
}

const alone = "/."

var arrows = []arrow{
	{"shm" + alone, []string{module + "/shm/access"},
		"words and ports know neither the structures made of them nor a system that implements them"},
	{"shm/access", nil,
		"it is a list of words"},
	{"shm/fifo", []string{module + "/shm" + alone, module + "/shm/access", module + "/shm/internal/spin"},
		"a structure is words and ranges: it knows no other structure and runs on any host"},
	{"shm/evq", []string{module + "/shm" + alone, module + "/shm/internal/spin"},
		"a structure is words and ranges: it knows no other structure and runs on any host"},
	{"shm/alloc", []string{module + "/shm" + alone},
		"a structure is words: it knows no other structure, and waits for nothing"},
	{"shm/oshost", []string{module + "/shm" + alone, module + "/shm/internal/spin", "golang.org/x/sys"},
		"it is the only package that makes the system calls of shared memory, and knows no structure in it"},
	{"shm/hosttest", []string{module + "/shm" + alone},
		"it judges every host alike, so it knows none"},
	{"shm/internal/spin", nil,
		"it spins, for any condition"},
	{"shm/internal/shmtest", []string{module + "/shm" + alone, module + "/shm/access", module + "/shm/oshost", "github.com/google/go-cmp"},
		"the tests of each structure share it, so it knows none"},

	{"impl" + alone, []string{module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq", "golang.org/x/sys"},
		"an application talks to the session layer by messages alone, on the host that it is given"},
	{"impl/wire", nil,
		"the messages are for programs in any process, so they bring nothing with them"},
	{"impl/layer", []string{module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq"},
		"the core decides: of shared memory it knows sizes and addresses, of the system nothing"},
	{"impl/layer/pool", []string{module + "/impl/wire"},
		"it hands out handles for objects of any type, so it knows none"},
	{"impl/layer/segments", []string{module + "/impl/layer/pool", module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq"},
		"workers other than the core will place segments, so it knows neither the core nor applications"},
	{"impl/server", []string{module + "/impl/layer", module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq"},
		"it runs the core for applications of any process, so it knows no application"},

	{"model" + alone, nil,
		"a specification that shares code with what it specifies shares its bugs"},
	{"model", []string{module + "/model"},
		"a specification that shares code with what it specifies shares its bugs"},
	{"model/check", nil,
		"a checker that knows a model is believed by nobody else"},
	{"model/monitor", nil,
		"it follows any model, so it knows none"},
	{"model/catalog", []string{module + "/model/check"},
		"it lists and draws any model, so it knows none"},

	{"sim" + alone, []string{module + "/shm" + alone, module + "/shm/access", module + "/sim/exec", module + "/sim/hb"},
		"it runs any protocol of words and ranges, so it knows no structure in them, no strategy and no scenario"},
	{"sim/exec", nil,
		"an execution is data: what reads one need not link the machine that made it"},
	{"sim/hb", nil,
		"tasks are numbers to it, so any checker can have an engine of its own"},
	{"sim/trace", []string{module + "/sim/exec"},
		"the format of traces must be readable without the machine that runs them"},
	{"sim/scenario", []string{module + "/sim" + alone, module + "/sim/exec", module + "/sim/trace", module + "/shm" + alone, module + "/internal/closest"},
		"it describes programs on shm; how they are explored is not its business"},
	{"sim/explore", []string{module + "/sim" + alone, module + "/sim/exec", module + "/sim/trace", module + "/sim/scenario", module + "/shm" + alone, module + "/shm/access"},
		"a strategy is a client of the simulator like any other, and knows no program"},
	{"sim/lin", []string{module + "/sim/exec", module + "/model" + alone, "github.com/anishathalye/porcupine"},
		"it judges histories; of model it may know the sequential specifications, and only they are in the root package"},

	{"properties" + alone, []string{module + "/properties", module + "/sim"},
		"it lists what the packages below it explore"},
	{"properties/memory", []string{module + "/properties/oracle", module + "/model", module + "/sim", module + "/shm"},
		"shared memory is tested without the session layer, which is built on it"},
	{"properties/oracle", []string{module + "/model", module + "/impl", module + "/sim", module + "/shm"},
		"it judges runs, and does not know which scenario they are of"},
	{"properties/core", []string{module + "/properties/oracle", module + "/model", module + "/impl", module + "/sim", module + "/shm"},
		"it is where the core of the session layer, its models and the simulator meet"},
	{"properties/session", []string{module + "/properties/oracle", module + "/model", module + "/impl", module + "/sim", module + "/shm"},
		"it is where the session layer, its model and the simulator meet"},
	{"cmd/simrun", []string{module, "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/tools"},
		"only the command may talk to people"},

	{"internal/closest", nil,
		"it compares words, and need not know what they are for"},
	{"internal/proctest", nil,
		"it starts the processes of any test, so it knows none"},
	{"internal/mutate", []string{"golang.org/x/sys"},
		"a mutant is text: what applies it must work on code that does not compile"},
	{"internal/tidy", []string{module + "/sim/trace", "golang.org/x/tools"},
		"the rules must not depend on what they judge"},
}

// testOnly may be imported by tests and by nothing else.
var testOnly = []string{
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal", // testscript
	"go.uber.org/goleak",
	"golang.org/x/net/nettest",
	"golang.org/x/tools/txtar",
	"pgregory.net/rapid", // registers global flags
	module + "/internal/proctest",
	module + "/shm/alloc", // properties runs it; the product does not
	module + "/shm/hosttest",
	module + "/shm/internal/shmtest",
	module + "/shm/oshost", // code is given its host; cmd makes it
}
