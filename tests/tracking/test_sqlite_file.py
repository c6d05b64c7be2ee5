"""Looking at a database file takes nothing from those who work with it."""

import sqlite3
import subprocess
import sys

from harness.tracking import sqlite_file


def make(path):
    def create(new):
        connection = sqlite3.connect(new)
        connection.execute("CREATE TABLE studies (name TEXT)")
        connection.commit()
        connection.close()

    sqlite_file.create_file(path, create)


def test_a_look_leaves_the_locks_of_this_process_in_place(tmp_path):
    """Else the next process to leave would remove the log that this one still writes to."""
    path = tmp_path / "optuna.db"
    make(path)
    connection = sqlite3.connect(path)
    connection.execute("SELECT * FROM studies").fetchall()
    sqlite_file.check_file(path, "Optuna", "studies")
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1])\n"
    program += "c.execute('INSERT INTO studies VALUES (1)'); c.commit(); c.close()"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert (tmp_path / "optuna.db-wal").exists()
    assert connection.execute("SELECT count(*) FROM studies").fetchone() == (1,)
    connection.close()
