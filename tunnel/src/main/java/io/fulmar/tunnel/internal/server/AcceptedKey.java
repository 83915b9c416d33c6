package io.fulmar.tunnel.internal.server;

/**
 * A key that is let in.
 *
 * @param user as whom
 * @param key which
 * @param port the only port that is forwarded for it
 */
public record AcceptedKey(String user, PublicKeyLine key, int port) {}
