#!/bin/sh
# Multi30k from text to a score, in one direction:
#   training/recipes/multi30k.sh /path/to/multi30k en-de runs [--set run.device=cuda ...]
# The folder holds train, val and test_2016_flickr as .en.gz and .de.gz; what follows `runs` is for each ferry-train. What was
# killed goes on with the same command, and the second direction takes over what the first has made for both. The commands
# are those of the training environment.
set -eu
data=$(realpath "$1") pair=$2
mkdir -p "$3"
runs=$(realpath "$3")
shift 3
source=${pair%-*} target=${pair#*-}
text=$runs/multi30k-text
recipes=$(dirname "$0")

# Train the recipe multi30k-$1.toml, from the best of multi30k-$2 if that is not empty, with the other arguments.
train() {
  name=$1 start=$2
  shift 2
  [ -z "$start" ] || set -- --set "run.init_from=$runs/multi30k-$start/checkpoints/best" "$@"
  [ ! -e "$runs/multi30k-$name/checkpoints/last" ] || set -- --resume "$@"
  ferry-train "$recipes/multi30k-$name.toml" --set "data.root=$text" --set "run.dir=$runs/multi30k-$name" "$@"
}

# Make a bundle of the best checkpoint of multi30k-$1.
pack() {
  [ -e "$runs/multi30k-$1/bundle" ] ||
    ferry-export "$runs/multi30k-$1/checkpoints/best" "$runs/multi30k-$1/bundle" --precision fp32 --beam-size 5
}

# What the joint model makes of the training text, from language $1 to $2.
translate() {
  gzip -cd "$data/train.$1.gz" > "$text/train.$1"
  [ -e "$text/train.own.$2" ] ||
    ferry-translate --model "$runs/multi30k-joint/bundle" --source "$1" --target "$2" --length-penalty 1.4 \
      --input "$text/train.$1" --output "$text/train.own.$2"
}

mkdir -p "$text"
ln -sf "$data"/*.en.gz "$data"/*.de.gz "$text"
train joint '' "$@"
pack joint
translate en de
translate de en
train "$pair" joint "$@"
train "$pair-final" "$pair" "$@"
pack "$pair-final"
ferry-evaluate "$runs/multi30k-$pair-final/bundle" --lowercase --length-penalty 1.4 \
  --test val "$source" "$target" "$data/val.$source.gz" "$data/val.$target.gz" \
  --test test_2016_flickr "$source" "$target" "$data/test_2016_flickr.$source.gz" "$data/test_2016_flickr.$target.gz"
