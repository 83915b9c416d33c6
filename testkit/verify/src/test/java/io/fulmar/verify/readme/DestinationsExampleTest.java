package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.spi.Destination;
import java.net.URI;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** README.md's ready-made destinations are the code that compiles, and can be made. */
class DestinationsExampleTest {
  @Test
  void exampleIsTheCodeThatCompiles() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme.DestinationsExample")));
  }

  @Test
  void eachIsAnother() {
    assertThat(
            DestinationsExample.destinations(
                Source.builder().host("warehouse").database("crm").user("fulmar").build(),
                Path.of("/var/lib/shop"),
                URI.create("https://api.example.com/v2"),
                Secret.of("token")))
        .extracting(Destination::identity)
        .containsExactly(
            "postgresql:warehouse:5432/crm/public.customers",
            "jsonl:/var/lib/shop/customers.jsonl",
            "http:api.example.com/v2",
            "http:api.example.com/v2");
    assertThat(
            DestinationsExample.destinations(
                    Source.builder().host("h").database("d").user("u").build(),
                    Path.of("d"),
                    URI.create("https://api.example.com/v2"),
                    Secret.of("token"))
                .get(2)
                .capabilities()
                .actions())
        .isEqualTo(Set.of(Action.UPSERT, Action.DELETE));
  }
}
