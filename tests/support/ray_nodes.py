"""A Ray cluster of two nodes of one core each, as a process, which prints its address.

It ends with its input; a line there removes the second node, as if its machine were gone.
"""

from __future__ import annotations

import sys

from ray.cluster_utils import Cluster

if __name__ == "__main__":
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False})
    second = cluster.add_node()
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        print("removed", flush=True)
    cluster.shutdown()
