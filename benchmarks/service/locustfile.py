"""The Locust user of the service, for `service_speed.py --locust`.

USERS='["17"]' K=10 locust -f benchmarks/service/locustfile.py --host http://127.0.0.1:8000
"""

import json
import os
import random

from locust import FastHttpUser, task


class RecommendUser(FastHttpUser):
    """Sends requests for one user after another, without a pause."""

    users = json.loads(os.environ.get("USERS", '["17"]'))
    k = int(os.environ.get("K", "10"))

    @task
    def recommend(self) -> None:
        """``POST /recommend``."""
        self.client.post("/recommend", json={"user_id": random.choice(self.users), "k": self.k})
