package io.fulmar.verify.readme;

import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.spi.Destination;
import java.util.List;

/** The mapping of README.md. A test holds the README to the lines between the markers. */
final class MappingExample {
  private MappingExample() {}

  static Sync sync(Model customers, Destination crm) {
    // begin README
    Mapping mapping =
        Mapping.builder()
            .column("id", "ExternalId")
            .column("email")
            .constant("Source", "shop")
            .compute(
                "Name",
                1,
                List.of("first", "last"),
                row -> row.value("first") + " " + row.value("last"))
            .runNumber("Run")
            .syncedAt("SyncedAt")
            .build();
    Sync sync =
        Sync.builder("crm")
            .model(customers)
            .to(crm)
            .onRemoved(Removal.DELETE)
            .mapping(mapping)
            .remember("email")
            .build();
    // end README
    return sync;
  }
}
