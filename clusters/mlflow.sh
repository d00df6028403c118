# Starts MLflow's server on the head's 127.0.0.1:5000, unless it runs. Its store can be redrawn from the run folders.
# `ray down` leaves it running on machines of your own.
set -eu
python - << 'END' && exit 0
import socket, sys
sys.exit(socket.socket().connect_ex(("127.0.0.1", 5000)))
END
# Without its job runners it is two processes instead of ten.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
cd ~
setsid nohup mlflow server --host 127.0.0.1 --port 5000 --workers 1 --backend-store-uri "sqlite:///$HOME/mlflow.db" \
    --artifacts-destination "$HOME/mlartifacts" > ~/mlflow.log 2>&1 < /dev/null &
