#!/usr/bin/env bash
#
# A search as an array of jobs under Slurm, one shard each, and one more job that adds up their results when all have ended:
#
#   sbatch --array=1-64 docs/scale/array.sh fifo-stream --strategy dpor --scope 4
#
# Results go to $SHARDS (default ./shards), one file for each shard. Run it again with --array=7 to do shard 7 again. SIMRUN is the
# program (default simrun), and OF the number of shards if the array has only some of them.
#
#SBATCH --job-name=simrun
#SBATCH --cpus-per-task=1

set -euo pipefail

dir=${SHARDS:-shards}
of=${OF:-$SLURM_ARRAY_TASK_COUNT}
mkdir -p "$dir"
part=$dir/.$SLURM_ARRAY_TASK_ID.part
status=0
"${SIMRUN:-simrun}" explore "$@" --workers 1 --shard "$SLURM_ARRAY_TASK_ID/$of" --json >"$part" || status=$?
if ((status <= 130)); then # else simrun was killed, and what it leaves is no result
	mv "$part" "$dir/$SLURM_ARRAY_TASK_ID.json"
fi
exit $status
