#!/bin/bash
# An encode as a Slurm array; whichever task finds everything done publishes the title.
#
#   sbatch tools/deploy/slurm.sh INPUT WORK TITLE
#
# WORK is a folder that all nodes see, or s3://BUCKET/PREFIX with AWS_* in the environment. A task
# that is killed is queued again (--requeue) and goes on where it was.
#SBATCH --job-name=promptus
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
[ $# -eq 3 ] || { echo "usage: sbatch $0 INPUT WORK TITLE" >&2; exit 2; }
input=$1 work=$2 title=$3

promptus encode "$input" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --workers "$SLURM_CPUS_PER_TASK" --out "$work" || exit

# Exit code 1 says that others are still at it. Only one process at a time may publish a title; the
# second one finds the same title and writes it again (-y).
flock "$title.lock" promptus publish -y --from "$work" --out "$title"
code=$?
[ "$code" -le 1 ] || exit "$code"
