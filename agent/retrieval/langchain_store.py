"""The stored collection behind LangChain's retriever interface, so that another vector store can stand in.

Kept apart because importing the adapter costs half a second that no draft needs to pay.
"""

from typing import TYPE_CHECKING, Any

from agent.retrieval.embed import embed
from agent.retrieval.quiet import silence

if TYPE_CHECKING:
    from langchain_core.vectorstores import VectorStoreRetriever


def retriever(client: Any, collection: str, k: int) -> "VectorStoreRetriever":
    """A LangChain retriever over an existing collection of an open Chroma client; `k` passages a query."""
    with silence():
        from langchain_chroma import Chroma
        from langchain_core.embeddings import Embeddings

    class Vectors(Embeddings):
        """Our vectors under LangChain's interface."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [row.tolist() for row in embed(texts)]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    store = Chroma(
        client=client,
        collection_name=collection,
        embedding_function=Vectors(),
        create_collection_if_not_exists=False,
    )
    return store.as_retriever(search_kwargs={"k": k})
