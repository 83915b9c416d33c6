package io.fulmar.verify.readme;

import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.JsonLinesDestination;
import io.fulmar.JsonVerdicts;
import io.fulmar.PostgresDestination;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.spi.Destination;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;

/** The ready-made destinations that README.md shows. */
final class DestinationsExample {
  private DestinationsExample() {}

  static List<Destination> destinations(Source warehouse, Path directory, URI api, Secret token) {
    // begin README
    Destination table = PostgresDestination.builder(warehouse).table("public", "customers").build();
    Destination file = JsonLinesDestination.builder(directory.resolve("customers.jsonl")).build();
    Destination records = // PUT https://api.example.com/v2/contacts/1, and the row as its body
        HttpDestination.builder(api)
            .request(Action.UPSERT, "PUT", "contacts/{id}")
            .request(Action.DELETE, "DELETE", "contacts/{id}")
            .bearerToken(token)
            .build();
    Destination batches = // {"records": [...]}, answered by {"results": [{"status": "ok"}, ...]}
        HttpDestination.builder(api)
            .request(Action.UPSERT, "POST", "contacts/batch")
            .batchesOf(200)
            .arrayMember("records")
            .verdicts(
                JsonVerdicts.builder("/results").accepted("/status", "ok").code("/code").build())
            .bearerToken(token)
            .build();
    // end README
    return List.of(table, file, records, batches);
  }
}
