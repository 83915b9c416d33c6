/**
 * Reading a model: {@link io.fulmar.internal.source.SourceSession} is one read-only transaction on
 * one snapshot; in it a model is proven and described ({@link
 * io.fulmar.internal.source.ModelShape}) and its rows are streamed ({@link
 * io.fulmar.internal.source.ModelRows}).
 */
@NullMarked
package io.fulmar.internal.source;

import org.jspecify.annotations.NullMarked;
