package io.fulmar.internal.http;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a server answers, up to so many bytes, and remembers status and headers as soon as
 * they are there, whatever becomes of the rest. For one request.
 */
final class BoundedBody implements BodyHandler<byte[]> {
  private final long mostBytes;
  private volatile @Nullable ResponseInfo head;
  private volatile boolean tooLong;

  BoundedBody(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Status and headers; null if none came. */
  @Nullable ResponseInfo head() {
    return head;
  }

  /** Whether there was more than was taken. */
  boolean isTooLong() {
    return tooLong;
  }

  @Override
  public BodySubscriber<byte[]> apply(ResponseInfo info) {
    head = info;
    return new Subscriber();
  }

  private final class Subscriber implements BodySubscriber<byte[]> {
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    private Flow.@Nullable Subscription subscription;

    @Override
    public CompletionStage<byte[]> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> pieces) {
      for (ByteBuffer piece : pieces) {
        int room = (int) Math.min(piece.remaining(), mostBytes - taken.size());
        byte[] bytes = new byte[room];
        piece.get(bytes);
        taken.write(bytes, 0, room);
        if (piece.hasRemaining() && !tooLong) {
          tooLong = true;
          if (subscription != null) {
            subscription.cancel(); // closes the connection
          }
          body.complete(taken.toByteArray());
        }
      }
    }

    @Override
    public void onError(Throwable error) {
      body.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
      body.complete(taken.toByteArray());
    }
  }
}
