package io.fulmar.verify.destination;

import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.JsonVerdicts;

/** The contract over an API that takes arrays and answers them item by item. */
class HttpBatchContractTest extends HttpContract {
  @Override
  HttpDestination.Builder requests(HttpDestination.Builder destination) {
    return destination
        .batchesOf(1_000)
        .request(Action.UPSERT, "POST", "put")
        .request(Action.DELETE, "POST", "delete")
        .request(Action.CLEAR, "POST", "clear")
        .verdicts(
            JsonVerdicts.builder("/results").accepted("/status", "ok").code("/error/code").build());
  }
}
