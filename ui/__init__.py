"""What the browser sees. With app.py and pages/, the only importer of streamlit."""
