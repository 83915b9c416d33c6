package io.fulmar;

import io.fulmar.internal.json.RowJson;
import io.fulmar.internal.lines.LinesFile;
import io.fulmar.internal.lines.LinesTarget;
import io.fulmar.internal.lines.LinesWriter;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * A file to which changes are appended, one line of JSON for each. Immutable and threadsafe. Needs
 * jackson-core, 2.18 or later, which Fulmar does not bring.
 *
 * <pre>{@code
 * Destination changes = JsonLinesDestination.builder(Path.of("/var/lib/shop/customers.jsonl")).build();
 * }</pre>
 *
 * <p>A line, in UTF-8:
 *
 * <pre>{@code
 * {"more":0,"action":"UPSERT","operation":"ADDED","changeId":"5f...","sequence":1763800000123,"key":{"id":1},"row":{"id":1,"email":"ada@example.org"}}
 * }</pre>
 *
 * <p>{@code more} says how many lines of the same batch follow. A batch is written and forced to
 * the disk before it is accepted, so an accepted change is in the file whatever happens. If the
 * process or the machine dies within a batch, the next batch first cuts off what there is of it, up
 * to the last whole one: the file never holds half a line once something was appended behind it. If
 * it dies between batch and acknowledgement, the changes are appended again under the same {@code
 * changeId}, by which a reader drops them. Of the lines of one key the one with the highest {@code
 * sequence} is the newest.
 *
 * <p>Booleans, numbers, lists and maps are what they are in JSON ({@link JsonNumbers}), timestamps
 * have the form of RFC 3339 in UTC, and everything else is the string that PostgreSQL prints;
 * {@link Builder#jsonColumns} go in as JSON. A text with half a surrogate pair is rejected as
 * {@link FailureCodes#VALUE_WITHOUT_FORM}.
 *
 * <p>Writers take turns, batch by batch, in this process and in others, by a lock on files beside
 * it ({@code .lock} and {@code .lock.jvm}). A file with other things in its end is refused and left
 * alone.
 */
public final class JsonLinesDestination implements Destination {
  private final LinesTarget target;
  private final Capabilities capabilities;

  private JsonLinesDestination(LinesTarget target, Capabilities capabilities) {
    this.target = target;
    this.capabilities = capabilities;
  }

  /** What a line may have. */
  public enum Field {
    /** {@code "sync"}: the name of the sync. */
    SYNC,
    /** {@code "run"}: the number of the run that wrote the line. */
    RUN,
    /** {@code "action"}: the {@link Action}. */
    ACTION,
    /** {@code "operation"}: the {@link Operation}. */
    OPERATION,
    /** {@code "changeId"}: {@link Change#changeId}. */
    CHANGE_ID,
    /** {@code "sequence"}: {@link Change#sequence}. */
    SEQUENCE,
    /** {@code "attempt"}: {@link Change#attempt}. */
    ATTEMPT,
    /** {@code "key"}: an object of the key columns. */
    KEY,
    /**
     * {@code "row"}: an object of all columns; for a removal, of the key and what is remembered.
     */
    ROW;

    private final String member;

    Field() {
      String[] words = name().toLowerCase(Locale.ROOT).split("_");
      StringBuilder joined = new StringBuilder(words[0]);
      for (int i = 1; i < words.length; i++) {
        joined
            .append(words[i].substring(0, 1).toUpperCase(Locale.ROOT))
            .append(words[i].substring(1));
      }
      member = joined.toString();
    }

    /** Its name in the line: {@code "changeId"}. */
    public String member() {
      return member;
    }
  }

  /**
   * Begins a destination.
   *
   * @param path the file; made with the first batch. Its directory must be there, and be on a local
   *     file system that keeps locks and what was forced to it
   */
  public static Builder builder(Path path) {
    return new Builder(Objects.requireNonNull(path, "path"));
  }

  /** {@code "jsonl"}. */
  @Override
  public String type() {
    return "jsonl";
  }

  /** {@code "jsonl:"} and the absolute path. */
  @Override
  public String identity() {
    return "jsonl:" + target.path();
  }

  /** All actions, one call at once; for the rest see {@link Builder}. */
  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  /** A writer that opens the file with its first batch. */
  @Override
  public Writer open(RunContext run) {
    return new LinesWriter(target, Objects.requireNonNull(run, "run"));
  }

  /** Empties the file, and deletes those that it was rotated into. */
  @Override
  public void clear(RunContext run) throws Exception {
    Objects.requireNonNull(run, "run");
    new LinesFile(target).clear();
  }

  /**
   * Looks whether the directory is there and can be written to, and whether the file, if there is
   * one, ends as one that was written here. Nothing is made and nothing written.
   */
  @Override
  public void check(CheckContext sync, CheckSteps steps) {
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(steps, "steps")
        .step(
            "file",
            findings -> {
              String objection = new LinesFile(target).objection();
              if (objection == null) {
                findings.found(target.path() + " can be written to");
              } else {
                findings.failure(
                    objection, "Make the directory, change the owner, or choose another path");
              }
            });
  }

  /** Names the file. */
  @Override
  public String toString() {
    return OneLine.of("JsonLinesDestination[" + target.path() + "]");
  }

  /** Collects the settings of a destination. Not threadsafe. */
  public static final class Builder {
    private final Path path;
    private final Capabilities.Builder capabilities =
        Capabilities.builder()
            .actions(Action.values())
            .canClear()
            .maxRows(10_000)
            .maxBytes(16L << 20)
            .concurrency(1);
    private List<Field> fields =
        List.of(
            Field.ACTION, Field.OPERATION, Field.CHANGE_ID, Field.SEQUENCE, Field.KEY, Field.ROW);
    private JsonNumbers numbers = JsonNumbers.EXACT;
    private final Set<String> jsonColumns = new HashSet<>();
    private Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");
    private long rotateBytes = Long.MAX_VALUE;

    private Builder(Path path) {
      this.path = path.toAbsolutePath().normalize();
    }

    /**
     * What a line has, in this order, behind {@code more}. Default: ACTION, OPERATION, CHANGE_ID,
     * SEQUENCE, KEY, ROW.
     *
     * @throws IllegalArgumentException if there is none, or one twice
     */
    public Builder fields(Field... inOrder) {
      List<Field> copy = new ArrayList<>();
      for (Field field : Objects.requireNonNull(inOrder, "fields")) {
        copy.add(Objects.requireNonNull(field, "fields"));
      }
      if (copy.isEmpty() || EnumSet.copyOf(copy).size() < copy.size()) {
        throw new IllegalArgumentException("fields must be at least one, each of them once");
      }
      fields = List.copyOf(copy);
      return this;
    }

    /** How numbers are written. Default {@link JsonNumbers#EXACT}. */
    public Builder numbers(JsonNumbers value) {
      numbers = Objects.requireNonNull(value, "numbers");
      return this;
    }

    /**
     * Columns whose text is JSON ({@code json}, {@code jsonb}) and goes into the line as such, not
     * as a string; white space between tokens goes. May be called several times. Default: none.
     */
    public Builder jsonColumns(String... columns) {
      for (String column : Objects.requireNonNull(columns, "jsonColumns")) {
        jsonColumns.add(Checks.column("jsonColumns", column));
      }
      return this;
    }

    /**
     * Who may read and write a file that is made, as {@code umask} allows, where the file system
     * knows owners. Default: its owner alone, {@code rw-------}.
     *
     * @throws IllegalArgumentException if the owner may not read and write
     */
    public Builder permissions(Set<PosixFilePermission> value) {
      for (PosixFilePermission permission : Objects.requireNonNull(value, "permissions")) {
        Objects.requireNonNull(permission, "permissions");
      }
      if (!value.containsAll(
          Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE))) {
        throw new IllegalArgumentException("permissions must let the owner read and write");
      }
      permissions = Collections.unmodifiableSet(EnumSet.copyOf(value));
      return this;
    }

    /**
     * Moves a file of this size or more aside before the next batch: {@code x.jsonl} becomes {@code
     * x.jsonl.000001}, then {@code x.jsonl.000002}, and so on. Nothing is deleted. At least 1.
     * Default: it grows without bound.
     */
    public Builder rotateBytes(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("rotateBytes must be at least 1, is " + bytes);
      }
      rotateBytes = bytes;
      return this;
    }

    /**
     * Most rows in a batch, 1 to 100,000; {@link Sync.Builder#batchRows} counts too. Default
     * 10,000.
     */
    public Builder maxRows(int rows) {
      capabilities.maxRows(rows);
      return this;
    }

    /** Most bytes of row values in a batch, at least 1. Default 16 MiB (16,777,216). */
    public Builder maxBytes(long bytes) {
      capabilities.maxBytes(bytes);
      return this;
    }

    /**
     * The destination.
     *
     * @throws ConfigurationException if jackson-core is missing
     */
    public JsonLinesDestination build() {
      RowJson.requireJackson("a destination of JSON lines");
      return new JsonLinesDestination(
          new LinesTarget(
              path, fields, new RowJson(numbers, jsonColumns), permissions, rotateBytes),
          capabilities.build());
    }
  }
}
