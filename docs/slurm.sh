#!/bin/bash
# One study on many machines of a SLURM cluster: sbatch docs/slurm.sh mnist --n-trials 200
# Each task of the array is one worker. The workers share the study through two databases and end
# when the study is complete; a task that is lost or requeued costs no trial.
#SBATCH --job-name=gan-harness
#SBATCH --array=0-7
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:1
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

# A file that only you can read, so that no password is in this script or in the list of processes:
#   export HARNESS_STORAGE=postgresql+psycopg://USER:PASSWORD@HOST/optuna
#   export HARNESS_TRACKING_URI=http://HOST:5000
source "$HOME/.gan-harness"

# Checkpoints and the cache: on a shared file system, any task can resume a trial of another one.
export HARNESS_MLRUNS="${HARNESS_MLRUNS:-$SLURM_SUBMIT_DIR/mlruns}"

# srun forwards the signal of --signal to the worker two minutes before the time limit. The worker
# closes its trial, and another task resumes it.
exec srun .venv/bin/python -m harness.study "$@" --no-report
