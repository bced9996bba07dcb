# ./weft tune CASE…: measures candidates for rows of the GPU tuning tables and writes a selector for tuned_by.
need required build
need optional ccache
PATH=$PATH:/usr/local/cuda/bin
exec python3 bench/tune/tune.py "$@"
