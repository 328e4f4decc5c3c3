package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// shard is a part of a search: number of count, from 1. The zero shard is all of it.
type shard struct{ number, count int }

// maxShards bounds the shards of a search: a million files are a mistake.
const maxShards = 1_000_000

// String implements pflag.Value.
func (s *shard) String() string {
	if s.count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.number, s.count)
}

// Type implements pflag.Value.
func (s *shard) Type() string { return "I/N" }

// Set implements pflag.Value. Without a number it is that of this job in an array of jobs.
func (s *shard) Set(text string) error {
	number, count, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || n > maxShards {
		return fmt.Errorf("want I/N, shard I of N from 1, or /N in a job array")
	}
	i := 0
	if number == "" {
		i, err = jobNumber(os.Getenv)
	} else {
		i, err = strconv.Atoi(number)
	}
	if err != nil {
		return err
	}
	if i < 1 || i > n {
		return fmt.Errorf("there is no shard %d of %d", i, n)
	}
	s.number, s.count = i, n
	return nil
}

// jobNumber returns the number of this job in an array of jobs, from 1, as Kubernetes or Slurm tell it.
func jobNumber(env func(string) string) (int, error) {
	for _, v := range []struct {
		name  string
		first string // the number of the first job, or the variable that has it
	}{
		{"JOB_COMPLETION_INDEX", "0"},
		{"SLURM_ARRAY_TASK_ID", env("SLURM_ARRAY_TASK_MIN")},
	} {
		text := env(v.name)
		if text == "" {
			continue
		}
		i, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("%s=%s: want a number", v.name, text)
		}
		first, err := strconv.Atoi(v.first)
		if err != nil {
			return 0, fmt.Errorf("%s=%s: the number of the first job is unknown", v.name, text)
		}
		return i - first + 1, nil
	}
	return 0, fmt.Errorf("/N is for job arrays: neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set")
}
