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
	{"shm/internal/shmtest", []string{module + "/shm" + alone, module + "/shm/access", module + "/shm/oshost", module + "/internal/proctest"},
		"the tests of each structure share it, so it knows none"},

	{"impl" + alone, []string{module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq"},
		"an application talks to the session layer by messages alone, on the host that it is given"},
	{"impl/wire", nil,
		"the messages are for programs in any process, so they bring nothing with them"},
	{"impl/layer", []string{module + "/impl/wire", module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq"},
		"the core decides: of shared memory it knows sizes and addresses, of the system nothing"},
	{"impl/layer/layertest", []string{module + "/impl/layer" + alone, module + "/internal/proctest"},
		"the tests of the server and of applications share it, so it knows neither"},
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
		"a checker that knows a model is useless for any other"},
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
	{"sim/dpor", []string{module + "/sim" + alone, module + "/shm" + alone, module + "/shm/access"},
		"a reduction knows accesses and tasks; what runs and what is checked is not its business"},
	{"sim/explore", []string{module + "/sim" + alone, module + "/sim/dpor", module + "/sim/exec", module + "/sim/trace", module + "/sim/scenario", module + "/shm" + alone, module + "/shm/access"},
		"a strategy is a client of the simulator like any other, and knows no program"},
	{"sim/lin", []string{module + "/sim/exec", module + "/model" + alone, "github.com/anishathalye/porcupine"},
		"it judges histories; of model it may know the sequential specifications, and only they are in the root package"},

	{"sim/cli", []string{module + "/sim", module + "/shm" + alone, module + "/internal/closest", module + "/internal/mutate", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term"},
		"it talks to people about scenarios of any module, so it knows no scenario, and nothing but the simulator and the mutants"},

	{"sim/simtest", []string{module + "/sim" + alone, module + "/sim/exec", module + "/sim/explore", module + "/sim/scenario", module + "/sim/trace", module + "/shm" + alone},
		"it tests scenarios of any module, so it knows no scenario, and it does not bring the command line into a test"},

	{"sim/internal/pairtest", []string{module + "/sim" + alone, module + "/sim/scenario", module + "/shm" + alone},
		"the tests of the simulator and of the strategies share it, so it knows no strategy"},

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
	{"cmd/simrun", []string{module, "github.com/spf13/cobra"},
		"it is where the command line, our scenarios and our models meet"},
	{"cmd/simrun/internal/campaign", []string{module + "/cmd/simrun/internal/campaign", module + "/impl/layer" + alone, module + "/internal/load", module + "/sim/cli", "github.com/spf13/cobra", "golang.org/x/sys"},
		"it directs processes and judges what they say: what they do is a package of its own"},
	{"cmd/simrun/internal/campaign/agent", []string{module + "/impl", module + "/internal/load", module + "/shm", "golang.org/x/sys"},
		"it is an application or an attacker, and knows no campaign"},
	{"cmd/simrun/internal/serve", []string{module + "/cmd/simrun/internal/bytesize", module + "/cmd/simrun/internal/logs", module + "/impl", module + "/internal/closest", module + "/shm" + alone, module + "/shm/oshost", module + "/sim/cli",
		"github.com/coreos/go-systemd/v22", "github.com/prometheus/client_golang", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/sys"},
		"the service alone talks to a service manager and to monitors, and it knows no scenario"},

	{"internal/closest", nil,
		"it compares words, and need not know what they are for"},
	{"internal/clitest", []string{module + "/internal/proctest", "github.com/rogpeppe/go-internal"},
		"it runs the command line of any test, so it knows none"},
	{"internal/load", []string{"golang.org/x/sys"},
		"it works over any connections, so that tests of impl, which it must not import, use it too"},
	{"internal/proctest", []string{"github.com/google/go-cmp"},
		"it starts the processes of any test, so it knows none"},
	{"internal/mutate", []string{"golang.org/x/sys"},
		"a mutant is text: what applies it must work on code that does not compile"},
	{"internal/suites", []string{module + "/impl", module + "/shm" + alone, module + "/shm/oshost"},
		"it runs a session layer and the tests of others, and knows no scenario"},
	{"internal/tidy", []string{module + "/sim/trace", "golang.org/x/tools"},
		"the rules must not depend on what they judge"},
}

// testOnly may be imported by tests and by nothing else.
var testOnly = []string{
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal", // testscript
	"go.uber.org/goleak",
	"golang.org/x/net/nettest",
	"golang.org/x/sys",
	"golang.org/x/tools/txtar",
	"pgregory.net/rapid", // registers global flags
	module + "/impl/layer/layertest",
	module + "/internal/clitest",
	module + "/internal/load",
	module + "/internal/proctest",
	module + "/shm/access",
	module + "/shm/alloc", // properties runs it; the product does not
	module + "/shm/hosttest",
	module + "/shm/internal/shmtest",
	module + "/sim/internal/pairtest",
	module + "/shm/oshost", // code is given its host; cmd makes it
}

// A cycle excuses a package with more than two files that use each other in a circle.
type cycle struct {
	dir   string
	files int // in the largest circle
	why   string
}

var cycles = []cycle{
	{"cmd/simrun/internal/campaign/agent", 7, "what an agent is asked for are methods of it, and an attack is one of its tasks"},
	{"cmd/simrun/internal/model", 4, "the command, its search, its export and its result are parts of one invocation"},
	{"impl", 13, "an App, its attachments, sessions and listeners use each other: they are one object in several files"},
	{"impl/layer", 9, "channels, sessions, pairs, segments and timers end each other: the core is one state machine in several files"},
	{"impl/server", 4, "the server, what it sends, its unattached channels and its workers are one object under one lock"},
	{"model/check", 6, "a search, its checkpoint and its result are parts of one type"},
	{"properties/oracle", 3, "the oracle of messages is one type in several files"},
	{"properties/session", 5, "a scenario, its generator and its history are one program"},
	{"shm", 3, "a segment is made of words, and a word reports to the hook of its segment"},
	{"shm/hosttest", 6, "the suite lists its chapters, and each chapter uses its helpers"},
	{"sim", 20, "the world, its tasks and its host are one machine: a task asks the scheduler at every access"},
	{"sim/cli", 23, "every command is a method of one invocation, which has printer and exit codes, and the root lists the commands"},
	{"sim/dpor", 3, "events, races and the tree of what they ask for are one search in several files"},
	{"sim/explore", 3, "strategies and explorer know each other by interfaces that are declared beside them"},
	{"sim/lin", 7, "a checker lists its specifications, and each uses the types of the checker"},
	{"sim/trace", 5, "a format is read and written by methods of the types that it is made of"},
}

// An export excuses a package ("shm"), a name in it ("shm.Name", with its members), or a member
// ("shm.Name.Member") from having a user outside, or ("shm wide") a package from having few names.
type export struct{ name, why string }

var exports = []export{
	{"cmd/simrun/internal/campaign/agent", "net/rpc calls the methods of an agent by their names"},
	{"impl", "it is what applications are written with, and not all of it is used here"},
	{"impl/layer/segments", "transport workers will place segments beside the core"},
	{"impl/wire wide", "it is the vocabulary of the messages: 46 of its names are kinds, statuses and other constants"},
	{"impl/wire.MaxURI", "a limit that the protocol promises to applications"},
	{"internal/mutate", "its tests hold each step of a build alone"},
	{"internal/suites/sessions", "its user is package net, in a tree of Go that internal/suites makes"},
	{"internal/tidy", "its own test is its only user"},
	{"model wide", "three specifications with the same words for each: specification, state, input, output, operations"},
	{"model/check", "it checks models of other modules too"},
	{"model/check wide", "it is one algorithm: the kinds of properties, their constructors, options and results are one vocabulary"},
	{"model/evq.ErrConfig", "every model has it"},
	{"model/evq.State.Filler", "it makes the size of a state a multiple of 16"},
	{"model/negotiation wide", "the messages and stages of the machine are the vocabulary of its observers"},
	{"model/negotiation.ErrConfig", "every model has it"},
	{"model/negotiation.Variants", "every model has it"},
	{"model/signal.ErrConfig", "every model has it"},
	{"model/signal.State.Filler", "it makes the size of a state a multiple of 16"},
	{"model/valloc.ErrConfig", "every model has it"},
	{"model/valloc.Variants", "every model has it"},
	{"properties/oracle", "the names of all properties are in one list, also of those that only the oracles check"},
	{"properties/oracle wide", "a third of its names are names of properties, each of which is one line"},
	{"shm/alloc", "it is a structure for any user of shared memory, and sessions do not use it"},
	{"shm/evq", "it is a structure for any user of shared memory, and sessions wait for no room in it"},
	{"shm/fifo", "it is a structure for any user of shared memory, and sessions use its reader and writer alone"},
	{"sim", "it runs programs of other modules too"},
	{"sim/cli", "it is the command line of other modules too"},
	{"sim/exec", "it is data for programs of other modules too"},
	{"sim/exec wide", "it is one record: what an execution is made of has a type each, and each effect a constant"},
	{"sim/explore", "strategies of other modules explore too"},
	{"sim/hb", "checkers of other modules use it too"},
	{"sim/lin", "it judges histories of other modules too"},
	{"sim/simtest", "tests of other modules use it"},
	{"sim/trace", "it is a format, and its limits and errors are promised to all readers"},
}
