package cli

import "testing"

// TestJobNumber: jobs of an array are numbered from 1, whatever they are numbered from where they run.
func TestJobNumber(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want int // 0 is an error
	}{
		{map[string]string{"JOB_COMPLETION_INDEX": "0"}, 1},
		{map[string]string{"JOB_COMPLETION_INDEX": "7"}, 8},
		{map[string]string{"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "5"}, 1},
		{map[string]string{"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "1"}, 9},
		{map[string]string{"SLURM_ARRAY_TASK_ID": "9"}, 0},
		{map[string]string{"JOB_COMPLETION_INDEX": "x"}, 0},
		{nil, 0},
	} {
		got, err := jobNumber(func(name string) string { return tt.env[name] })
		if (err != nil) != (tt.want == 0) || err == nil && got != tt.want {
			t.Errorf("%v: %d, %v, want %d", tt.env, got, err, tt.want)
		}
	}
}
