package io.fulmar.verify.destination;

import io.fulmar.Action;
import io.fulmar.HttpDestination;

/** The contract over an API that takes one record in each request. */
class HttpContractTest extends HttpContract {
  @Override
  HttpDestination.Builder requests(HttpDestination.Builder destination) {
    return destination
        .request(Action.UPSERT, "PUT", "records/{id}")
        .request(Action.DELETE, "DELETE", "records/{id}")
        .request(Action.CLEAR, "POST", "records/{id}/clear");
  }
}
