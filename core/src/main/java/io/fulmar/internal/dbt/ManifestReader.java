package io.fulmar.internal.dbt;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Walks through a manifest of which one node at a time is in memory. Its form is dbt's, versions 6
 * to 12 (https://schemas.getdbt.com/dbt/manifest): {@code metadata}, {@code nodes} by unique id,
 * {@code disabled} with lists of nodes.
 */
final class ManifestReader {
  private static final int MAX_TEXT = 20_000_000;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(MAX_TEXT).build())
          .build();

  private final JsonParser in;
  private final Consumer<String> schemaVersion;
  private final Consumer<DbtNode> nodes;

  private ManifestReader(JsonParser in, Consumer<String> schemaVersion, Consumer<DbtNode> nodes) {
    this.in = in;
    this.schemaVersion = schemaVersion;
    this.nodes = nodes;
  }

  /**
   * Reads a manifest from its beginning to its end.
   *
   * @param manifest is closed by the caller
   * @param schemaVersion takes the address of the schema
   * @param nodes takes each node, disabled ones too
   * @throws IOException if it cannot be read, or is no JSON
   */
  static void read(InputStream manifest, Consumer<String> schemaVersion, Consumer<DbtNode> nodes)
      throws IOException {
    try (JsonParser in = JSON.createParser(manifest)) {
      in.disable(JsonParser.Feature.AUTO_CLOSE_SOURCE);
      new ManifestReader(in, schemaVersion, nodes).top();
    }
  }

  private void top() throws IOException {
    if (in.nextToken() != JsonToken.START_OBJECT) {
      throw new IOException("it does not begin with an object");
    }
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String field = in.currentName();
      JsonToken value = in.nextToken();
      if ("metadata".equals(field) && value == JsonToken.START_OBJECT) {
        metadata();
      } else if ("nodes".equals(field) && value == JsonToken.START_OBJECT) {
        byId();
      } else if ("disabled".equals(field)) {
        disabled(value);
      } else {
        in.skipChildren();
      }
    }
    if (in.currentToken() != JsonToken.END_OBJECT) {
      throw new IOException("it ends too early");
    }
  }

  private void metadata() throws IOException {
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String field = in.currentName();
      if (in.nextToken() == JsonToken.VALUE_STRING && "dbt_schema_version".equals(field)) {
        schemaVersion.accept(in.getText());
      } else {
        in.skipChildren();
      }
    }
  }

  private void byId() throws IOException {
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String id = in.currentName();
      if (in.nextToken() == JsonToken.START_OBJECT) {
        node(id, false);
      } else {
        in.skipChildren();
      }
    }
  }

  /** Lists of nodes by unique id; before that, one list. */
  private void disabled(JsonToken value) throws IOException {
    if (value == JsonToken.START_ARRAY) {
      list("");
    } else if (value == JsonToken.START_OBJECT) {
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String id = in.currentName();
        if (in.nextToken() == JsonToken.START_ARRAY) {
          list(id);
        } else {
          in.skipChildren();
        }
      }
    }
  }

  private void list(String id) throws IOException {
    for (JsonToken each = in.nextToken();
        each != JsonToken.END_ARRAY && each != null;
        each = in.nextToken()) {
      if (each == JsonToken.START_OBJECT) {
        node(id, true);
      } else {
        in.skipChildren();
      }
    }
  }

  private void node(String id, boolean disabled) throws IOException {
    Map<String, String> texts = new HashMap<>();
    String materialized = null;
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String field = in.currentName();
      JsonToken value = in.nextToken();
      if ("config".equals(field) && value == JsonToken.START_OBJECT) {
        materialized = materialized();
      } else if (value.isScalarValue() && value != JsonToken.VALUE_NULL && isWanted(field)) {
        texts.put(field, in.getText());
      } else {
        in.skipChildren();
      }
    }
    nodes.accept(
        new DbtNode(
            texts.getOrDefault("unique_id", id),
            texts.get("name"),
            texts.get("resource_type"),
            texts.get("database"),
            texts.get("schema"),
            texts.get("alias"),
            texts.get("relation_name"),
            materialized,
            texts.get("version"),
            texts.get("latest_version"),
            texts.getOrDefault("compiled_code", texts.get("compiled_sql")),
            texts.get("language"),
            disabled));
  }

  /** The SQL was called otherwise up to version 6. */
  private static boolean isWanted(String field) {
    return switch (field) {
      case "unique_id",
          "name",
          "resource_type",
          "database",
          "schema",
          "alias",
          "relation_name",
          "version",
          "latest_version",
          "compiled_code",
          "compiled_sql",
          "language" ->
          true;
      default -> false;
    };
  }

  private @Nullable String materialized() throws IOException {
    String materialized = null;
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String field = in.currentName();
      if (in.nextToken() == JsonToken.VALUE_STRING && "materialized".equals(field)) {
        materialized = in.getText();
      } else {
        in.skipChildren();
      }
    }
    return materialized;
  }
}
