#!/bin/sh
# Makes the teacher that is built in, from nothing: exercises, random weights, training, rounding.
#
#     cargo build --release
#     sh llm/assets/teacher/make.sh WORK [OUT]
#
# WORK is a folder for what is only needed on the way; OUT, where the teacher goes, is the folder of this file unless
# another one is given. It can be stopped and started again. One core: on a model of this size two threads are slower.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bellman=${BELLMAN:-$here/../../../target/release/bellman}
work=$1
out=${2:-$here}
export RAYON_NUM_THREADS=1

mkdir -p "$work" "$out"
if [ ! -e "$work/run/config.toml" ]; then
    rm -rf "$work/data" "$work/nothing" "$work/run"
    "$bellman" exercises --out "$work/data" --count 60000 --held-out 480 --seed 1
    "$bellman" init --tokenizer "$work/data" --layers 4 --width 192 --heads 6 --seed 1 --out "$work/nothing"
    "$bellman" distill --student "$work/nothing" --train "$work/data/train.jsonl" --prompt chat --phases sft \
        --steps 4000 --batch 32 --micro-batch 16 --learning-rate 2e-3 --warm-up 200 --weight-decay 0.01 --out "$work/run"
else
    "$bellman" distill --out "$work/run" --resume
fi
python3 "$here/round.py" "$work/run/student" "$out"
