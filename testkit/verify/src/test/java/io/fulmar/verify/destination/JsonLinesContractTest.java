package io.fulmar.verify.destination;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fulmar.Action;
import io.fulmar.JsonLinesDestination;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.contract.DestinationContract;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;

/** The contract over a file, read as its reader should: repeats dropped, each line applied. */
class JsonLinesContractTest extends DestinationContract {
  private static final ObjectMapper READER = JsonRecords.reader();

  @TempDir Path directory;

  private Path path() {
    return directory.resolve("records.jsonl");
  }

  @Override
  protected Destination destination() {
    return JsonLinesDestination.builder(path()).build();
  }

  @Override
  protected Map<Long, Map<String, @Nullable String>> records() throws Exception {
    Map<Long, Map<String, @Nullable String>> records = new LinkedHashMap<>();
    Set<String> seen = new HashSet<>();
    List<String> lines = Files.exists(path()) ? Files.readAllLines(path()) : List.of();
    for (String line : lines) {
      JsonNode change = READER.readTree(line);
      if (!seen.add(change.get("changeId").textValue())) {
        continue;
      }
      long id = change.get("key").get("id").longValue();
      switch (Action.valueOf(change.get("action").textValue())) {
        case INSERT, UPDATE, UPSERT -> records.put(id, JsonRecords.texts(change.get("row")));
        case DELETE -> records.remove(id);
        case CLEAR -> {
          if (records.containsKey(id)) {
            records.get(id).replaceAll((column, text) -> null);
          }
        }
      }
    }
    return records;
  }

  @Override
  protected String form(Object value) {
    return JsonRecords.form(value);
  }

  @Override
  protected @Nullable String refusedText() {
    // What no line can hold, no text of PostgreSQL does: JsonLinesDestinationTest has that.
    return null;
  }

  @Override
  protected boolean knowsRecords() {
    return false;
  }

  @Override
  protected AutoCloseable outOfReach() throws Exception {
    FileChannel other =
        FileChannel.open(
            Path.of(path() + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    other.lock();
    return other;
  }
}
