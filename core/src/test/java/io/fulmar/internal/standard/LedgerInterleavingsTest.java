package io.fulmar.internal.standard;

import io.fulmar.internal.store.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Lanes that write to one ledger at once, in many orders that Lincheck chooses. The files are in
 * memory, and know what of them has been forced.
 */
@DisplayName("I-08: no order in which lanes write to the ledger breaks it")
class LedgerInterleavingsTest {
  private static final int ORDERS = 60;
  private static final int MANY_ORDERS = 50_000;

  @Test
  @DisplayName("I-08, P1: what is reserved is durable on return, whoever has forced it")
  void whatIsReservedIsDurableOnReturn() {
    Lincheck.runConcurrentTest(ORDERS, LedgerInterleavingsTest::lanesReserve);
  }

  @Test
  @Tag("soak")
  @DisplayName("I-08, P1: what is reserved is durable on return, in many more orders")
  void whatIsReservedIsDurableOnReturnInManyOrders() {
    Lincheck.runConcurrentTest(MANY_ORDERS, LedgerInterleavingsTest::lanesReserve);
  }

  private static void lanesReserve() {
    Memory bytes = new Memory();
    Ledger ledger = new Ledger(bytes, new Memory(), new Memory(), CrashPoint.Watch.NONE);
    Thread one = new Thread(() -> reserve(ledger, bytes, 0, 100));
    Thread other = new Thread(() -> reserve(ledger, bytes, 2, 200));
    one.start();
    other.start();
    try {
      one.join();
      other.join();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
    check(bytes.durable(16, 4).equals("AArr"), "durable is " + bytes.durable(16, 4));
    check(ledger.until() == 200, "calls may act until " + ledger.until());
  }

  private static void reserve(Ledger ledger, Memory bytes, long from, long until) {
    try {
      ledger.reserve(from, from + 2, until);
      check(bytes.durable(16 + (int) from, 2).equals("rr"), "it is sent and not reserved");
      check(bytes.durableLong(8) >= until, "it is sent, and until when it acts is not noted");
      if (from == 0) {
        ledger.acknowledge(from, List.of(Outcome.ACCEPTED, Outcome.ACCEPTED));
        ledger.force();
        check(bytes.durable(16, 2).equals("AA"), "what was forced is not durable");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reserving reads before it writes; Lincheck does not come in between, so this test does. */
  @Test
  @DisplayName("I-08, P3: an answer is not lost while another lane reserves what is around it")
  void answerWithinWhatIsReservedStays() throws Exception {
    Memory bytes = new Memory();
    Ledger ledger = new Ledger(bytes, new Memory(), new Memory(), CrashPoint.Watch.NONE);
    Outcome rejected = new Outcome(Outcome.Kind.REJECTED, false, 0, null);
    Thread refusing =
        new Thread(
            () -> {
              try {
                ledger.acknowledge(2, List.of(rejected));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    bytes.afterRead =
        () -> {
          refusing.start();
          while (refusing.isAlive() && refusing.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
          }
        };
    ledger.reserve(0, 4, 100);
    refusing.join();
    ledger.force();
    check(bytes.durable(16, 4).equals("rrJr"), "durable is " + bytes.durable(16, 4));
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  /** A file of 64 bytes that knows which of them would survive. */
  private static final class Memory extends FileChannel {
    private final byte[] written = new byte[64];
    private byte[] durable = new byte[64];
    private Runnable afterRead = () -> {};

    synchronized String durable(int from, int count) {
      return new String(durable, from, count, java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    synchronized long durableLong(int from) {
      return ByteBuffer.wrap(durable).getLong(from);
    }

    @Override
    public int read(ByteBuffer target, long position) {
      int count = Math.min(target.remaining(), written.length - (int) position);
      synchronized (this) {
        target.put(written, (int) position, count);
      }
      afterRead.run();
      return count;
    }

    @Override
    public synchronized int write(ByteBuffer source, long position) {
      int count = source.remaining();
      source.get(written, (int) position, count);
      return count;
    }

    @Override
    public synchronized void force(boolean metaData) {
      durable = Arrays.copyOf(written, written.length);
    }

    @Override
    public long size() {
      return written.length;
    }

    @Override
    protected void implCloseChannel() {}

    @Override
    public int read(ByteBuffer target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer source) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long newPosition) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable FileLock tryLock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }
  }
}
